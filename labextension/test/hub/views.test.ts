import { render, screen } from '@testing-library/react';

import { openView } from '../../src/hub/views';

const JOIN = { view: 'join', prefix: '/services/vmshare/', person: 'ben' };

/** Opens the page for joining with something behind the `#`; what stands in its field. */
function shownFor(behind: string): string {
  window.history.replaceState(null, '', `/services/vmshare/projects/join${behind}`);
  globalThis.fetch = () => Promise.reject(new Error('no network'));
  render(openView(JOIN).draw());
  return screen.getByLabelText<HTMLInputElement>('Invitation link, or its code').value;
}

// scenario: P2
describe('the page for joining', () => {
  it('takes the code out of the address, and keeps it through a reload', () => {
    expect(shownFor('#a_b-C')).toBe('a_b-C');
    expect(window.location.href).not.toContain('a_b-C');
    expect(window.history.state).toEqual({ code: 'a_b-C' });
  });

  it('takes no part of the page for a code', () => {
    const main = document.createElement('main');
    main.id = 'main';
    document.body.append(main);
    expect(shownFor('#main')).toBe('');
    expect(window.location.hash).toBe('#main');
    main.remove();
  });
});
