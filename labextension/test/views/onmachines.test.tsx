import { render, screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';

import type { MachineView, ShowingView, Standing } from '../../src/api/types';
import { VMShareModel } from '../../src/model/vmshare';
import { FolderOnMachines, FoldersOnMachine } from '../../src/views/onmachines';
import { MACHINE_ACTIONS, machine } from '../fakes/machines';
import { FakeServer, refusal } from '../fakes/server';
import { folder, happening } from '../fakes/things';

const ONE = 'api/folders/fld_1/machines/mch_1';
const SENTENCE = 'ana is root on gpu-box: whatever you may read in tests, they can read there.';
const RUNS = machine({ actions: [...MACHINE_ACTIONS.use, 'open_terminal'], owner: 'ana' });

function showing(over: Partial<ShowingView> = {}): ShowingView {
  return {
    folder_id: 'fld_1',
    folder_name: 'tests',
    machine_id: 'mch_1',
    machine_name: 'gpu-box',
    shown: true,
    chosen_at: '2026-11-27T12:00:00.000Z',
    readers: ['ana'],
    sentence: SENTENCE,
    ...over
  };
}

/** A service that has these choices; what is asked of it changes them. */
async function scene(
  items: ShowingView[] = [],
  machines: MachineView[] = [RUNS]
): Promise<{ server: FakeServer; model: VMShareModel }> {
  let chosen = items;
  const server = new FakeServer()
    .on('GET api/machines', () => ({ items: machines, next: null }))
    .on('GET api/folders', () => ({ items: [folder()], next: null }))
    .on('GET api/shown-folders', () => ({ items: chosen, next: null }))
    .on('GET shown', () => ({ shown: [] }))
    .on(`GET ${ONE}`, () => showing({ shown: false, chosen_at: null }))
    .on(`PUT ${ONE}`, () => {
      chosen = [showing()];
      return showing();
    })
    .on(`DELETE ${ONE}`, () => {
      chosen = [];
      return new Response(null, { status: 204 });
    });
  const model = new VMShareModel(server.client);
  await Promise.all([model.machines.machines.refresh(), model.folders.refresh()]);
  return { server, model };
}

const standing = (over: Partial<Standing>): { shown: Standing[] } => ({
  shown: [
    {
      folder_id: 'fld_1',
      machine_id: 'mch_1',
      state: 'shown',
      place: null,
      because: null,
      ...over
    }
  ]
});

describe('a folder on machines', () => {
  it('is shown after a sentence and a second word, and taken away by one', async () => {
    const { server, model } = await scene();
    render(<FolderOnMachines folder={folder()} model={model} />);
    await userEvent.click(await screen.findByRole('button', { name: /^Show "gpu-box/ }));
    expect(await screen.findByText(SENTENCE)).toBeTruthy();
    expect(server.calls(`PUT ${ONE}`)).toEqual([]);
    await userEvent.click(screen.getByRole('button', { name: 'Cancel' }));
    expect(screen.queryByText(SENTENCE)).toBeNull();
    await userEvent.click(screen.getByRole('button', { name: /^Show "gpu-box/ }));
    await userEvent.click(await screen.findByRole('button', { name: 'Show it there' }));
    const away = await screen.findByRole('button', { name: /^Take "gpu-box.*away/ });
    expect(server.calls(`PUT ${ONE}`).map(({ body }) => body)).toEqual([{ acknowledged: true }]);
    expect(screen.queryByText(SENTENCE)).toBeNull();
    await userEvent.click(away);
    await screen.findByRole('button', { name: /^Show "gpu-box/ });
    expect(server.calls(`DELETE ${ONE}`)).toHaveLength(1);
  });

  it.each([
    ['where it is', standing({ place: '/home/ben/shared/tests' }), /at \/home\/ben\/shared/],
    ['why it is not', standing({ state: 'failed', because: 'No sshfs.' }), /No sshfs/],
    ['who else has it there', standing({ state: 'elsewhere' }), /another session of yours/],
    ['that it comes', standing({ state: 'waiting' }), /coming/],
    ['that this session has none', { shown: [] }, /this session does not have the folder/]
  ])('says %s', async (_, told, said) => {
    const { server, model } = await scene([showing()]);
    server.on('GET shown', () => told);
    render(<FolderOnMachines folder={folder()} model={model} />);
    expect(await screen.findByText(said)).toBeTruthy();
    model.dispose();
  });

  it('says that the machine is off', async () => {
    const { model } = await scene([showing()], [machine({ state: 'stopped', actions: ['start'] })]);
    render(<FolderOnMachines folder={folder()} model={model} />);
    expect(await screen.findByText(/the machine is off/)).toBeTruthy();
    model.dispose();
  });

  it('is looked at until it is there, and as long as somebody sees it', async () => {
    const { server, model } = await scene([showing()]);
    const view = render(<FolderOnMachines folder={folder()} model={model} />);
    await screen.findByText(/not now/);
    // No event tells that the notebook server has begun, or that it has ended.
    server.on('GET shown', () => standing({ place: '/home/ben/shared/tests' }));
    expect(await screen.findByText(/at \/home/, {}, { timeout: 5000 })).toBeTruthy();
    server.on('GET shown', () => standing({ state: 'failed', because: 'It broke.' }));
    expect(await screen.findByText(/It broke/, {}, { timeout: 5000 })).toBeTruthy();
    view.unmount();
    const asked = server.calls('GET shown').length;
    await new Promise(resolve => setTimeout(resolve, 2500));
    expect(server.calls('GET shown')).toHaveLength(asked);
    model.dispose();
  });

  it('keeps the focus in its row, first of all on the sentence', async () => {
    const { model } = await scene();
    render(<FolderOnMachines folder={folder()} model={model} />);
    (await screen.findByRole('button', { name: /^Show "gpu-box/ })).focus();
    await userEvent.keyboard('{Enter}');
    await screen.findByText(SENTENCE);
    expect(document.activeElement?.textContent).toBe(SENTENCE);
    await userEvent.tab();
    await userEvent.keyboard('{Enter}');
    const away = await screen.findByRole('button', { name: /^Take "gpu-box.*away/ });
    expect(document.activeElement).toBe(away);
    await userEvent.keyboard('{Enter}');
    const show = await screen.findByRole('button', { name: /^Show "gpu-box/ });
    expect(document.activeElement).toBe(show);
    model.dispose();
  });

  it('says why it may not be shown', async () => {
    const { server, model } = await scene();
    server.on(`GET ${ONE}`, () => refusal(403, 'forbidden', { detail: 'You have no terminal.' }));
    render(<FolderOnMachines folder={folder()} model={model} />);
    await userEvent.click(await screen.findByRole('button', { name: /^Show "gpu-box/ }));
    expect((await screen.findByRole('alert')).textContent).toContain('no terminal');
  });

  it('is not offered where no terminal could be opened', async () => {
    const { model } = await scene([], [machine({ actions: ['see_in_list', 'read_files'] })]);
    render(<FolderOnMachines folder={folder()} model={model} />);
    expect(await screen.findByText('You have no machine to show it on.')).toBeTruthy();
  });
});

describe('the page of a machine', () => {
  it('lists the folders on it, follows events, and adds another', async () => {
    const { server, model } = await scene();
    render(<FoldersOnMachine machine={RUNS} model={model} />);
    expect(await screen.findByText(/None: each is shown only if you say so/)).toBeTruthy();
    await userEvent.selectOptions(
      screen.getByRole('combobox', { name: 'A folder to show on it' }),
      'fld_1'
    );
    await userEvent.click(screen.getByRole('button', { name: /^Show "tests/ }));
    expect(await screen.findByText(SENTENCE)).toBeTruthy();
    // Meanwhile it was chosen at a terminal.
    server.on('GET api/shown-folders', () => ({ items: [showing()], next: null }));
    model.shown.receive(happening('mount.shown'));
    expect(await screen.findByRole('button', { name: 'Take "tests" away' })).toBeTruthy();
    server.on('GET api/shown-folders', () => ({ items: [], next: null }));
    model.shown.receive(happening('mount.hidden'));
    await waitFor(() => {
      expect(screen.queryByRole('button', { name: 'Take "tests" away' })).toBeNull();
    });
  });

  it('has no such part for who can open no terminal', async () => {
    const { model } = await scene();
    const { container } = render(
      <FoldersOnMachine machine={machine({ actions: ['see_in_list'] })} model={model} />
    );
    await waitFor(() => {
      expect(model.shown.failure).toBeNull();
    });
    expect(container.textContent).toBe('');
  });
});
