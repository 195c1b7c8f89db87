import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { Standing } from '../../src/model/standing';
import { NotHere } from '../../src/views/standing';

type Elsewhere = Exclude<Standing, { kind: 'ready' }>;

function shown(standing: Elsewhere): jest.Mock {
  const onRetry = jest.fn();
  render(<NotHere standing={standing} hubHome="https://hub.org/hub/home" onRetry={onRetry} />);
  return onRetry;
}

describe('where nothing can be shared', () => {
  it.each([
    [{ kind: 'no-hub' }, /Open the JupyterLab of your team/],
    [{ kind: 'no-extension' }, /Ask who runs the hub to install or enable it/],
    [{ kind: 'no-service', because: 'None.' }, /Ask who runs the hub to add it/],
    [{ kind: 'unreachable', because: 'It restarts.' }, /Nothing is lost/],
    [{ kind: 'refused', because: 'No token.' }, /Reload the page/]
  ] as [Elsewhere, RegExp][])('%j says what to do', (standing, advice) => {
    shown(standing);
    expect(screen.getByText(advice)).toBeTruthy();
  });

  it("on somebody else's server the way leads to one's own", () => {
    shown({ kind: 'foreign-server', owner: 'ana' });
    expect(screen.getByText('This is the server of ana')).toBeTruthy();
    const way = screen.getByRole('link', { name: 'Open your own server' });
    expect(way.getAttribute('href')).toBe('https://hub.org/hub/home');
    expect(way.getAttribute('rel')).toContain('noopener');
  });

  it('one need not wait for the next attempt', async () => {
    const onRetry = shown({ kind: 'unreachable', because: null });
    await userEvent.click(screen.getByRole('button', { name: 'Try now' }));
    expect(onRetry).toHaveBeenCalledTimes(1);
  });
});
