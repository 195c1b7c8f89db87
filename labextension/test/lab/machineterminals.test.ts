import { nullTranslator } from '@jupyterlab/translation';
import { CommandRegistry } from '@lumino/commands';
import { DisposableDelegate } from '@lumino/disposable';

import type { MachineView } from '../../src/api/types';
import { MachineTerminals, TerminalCommandIDs } from '../../src/lab/machineterminals';
import type { TerminalView } from '../../src/model/terminals';
import { VMShareModel } from '../../src/model/vmshare';
import { cloud, machine } from '../fakes/machines';
import { FakeServer, refusal, settle } from '../fakes/server';
import { here } from '../fakes/things';

const MAY = ['open_terminal', 'start'];

function terminal(over: Partial<TerminalView> = {}): TerminalView {
  return {
    ...{ name: 'gpu_box_1', machine: 'mch_1', keep: true, session: 'tabcdef', open: false },
    since: '2026-11-27T12:00:00+00:00',
    ...over
  };
}

/** A lab with a launcher, JupyterLab's own command for terminals, and a person's machines. */
class Stage {
  constructor(site: { machines: MachineView[]; left?: TerminalView[]; has?: boolean }) {
    this.machines = site.machines;
    this.left = site.left ?? [];
    this.server
      .on('GET session', () => here())
      .on('GET api/cloud', () => cloud())
      .on('GET api/machines', () => ({ items: this.machines, next: null }))
      .on('GET api/drives', () => ({ items: [], next: null }))
      .on('GET api/machine-snapshots', () => ({ items: [], next: null }))
      .on('GET terminals', () =>
        site.has === false ? refusal(404, 'no-terminals') : { terminals: this.left }
      )
      .on('POST terminals', () => ({ name: 'gpu_box_7' }));
    this.model = new VMShareModel(this.server.client);
    this.commands.addCommand('terminal:open', {
      execute: ({ name }) => void this.opened.push(name)
    });
    this.terminals = new MachineTerminals({
      commands: this.commands,
      hit: () => ({ machine: 'mch_1' }),
      model: this.model,
      settings: this.settings as never,
      trans: nullTranslator.load('jupyter_vmshare'),
      launcher: {
        add: ({ command, args }: { command: string; args: never }) => {
          const label = this.commands.label(command, args);
          this.cards.set(label, () => this.commands.execute(command, args));
          return new DisposableDelegate(() => this.cards.delete(label));
        }
      },
      category: 'Other'
    });
  }

  async begun(): Promise<this> {
    await this.model.start();
    await this.model.terminals.refresh();
    return this;
  }

  get asked(): unknown[] {
    return this.server.calls('POST terminals').map(({ body }) => body);
  }

  machines: MachineView[];
  left: TerminalView[];
  readonly server = new FakeServer();
  readonly commands = new CommandRegistry();
  readonly cards = new Map<string, () => Promise<unknown>>();
  readonly opened: unknown[] = [];
  readonly settings = { keepTerminals: false };
  readonly model: VMShareModel;
  readonly terminals: MachineTerminals;
}

describe('terminals on machines', () => {
  it('have a card for each machine on which the person may have one', async () => {
    const machines = [
      machine({ actions: MAY, owner: 'ana' }),
      machine({ id: 'mch_2', name: 'off', state: 'stopped', actions: ['start'] }),
      machine({ id: 'mch_3', name: 'only-files', actions: ['start', 'read_files'] }),
      machine({ id: 'mch_4', name: 'not-theirs-to-start', state: 'stopped', actions: [] })
    ];
    const stage = await new Stage({ machines }).begun();
    expect([...stage.cards.keys()]).toEqual(['Terminal on gpu-box (ana)', 'Terminal on off (ben)']);
    // They follow names and access by themselves.
    stage.machines = [machine({ name: 'renamed', actions: MAY })];
    await stage.model.machines.refresh();
    expect([...stage.cards.keys()]).toEqual(['Terminal on renamed (ben)']);
    stage.terminals.dispose();
    expect(stage.cards.size).toBe(0);
  });

  it('are absent where the operator has switched terminals off', async () => {
    const stage = await new Stage({ machines: [machine({ actions: MAY })], has: false }).begun();
    expect(stage.cards.size).toBe(0);
    expect(stage.commands.isVisible(TerminalCommandIDs.open)).toBe(false);
  });

  it("open in JupyterLab's own widget", async () => {
    const stage = await new Stage({ machines: [machine({ actions: MAY })] }).begun();
    await stage.cards.get('Terminal on gpu-box (ben)')!();
    expect(stage.asked).toEqual([{ machine: 'mch_1', called: 'gpu-box', keep: false }]);
    expect(stage.opened).toEqual(['gpu_box_7']);
    stage.settings.keepTerminals = true;
    await stage.commands.execute(TerminalCommandIDs.open, { context: true });
    stage.settings.keepTerminals = false;
    await stage.commands.execute(TerminalCommandIDs.kept, { id: 'mch_1' });
    expect(stage.asked.slice(1)).toEqual([
      { machine: 'mch_1', called: 'gpu-box', keep: true },
      { machine: 'mch_1', called: 'gpu-box', keep: true }
    ]);
  });

  it('that run on are gone on with, while the machine is theirs to use', async () => {
    const left = [
      terminal(),
      terminal({ name: 'gpu_box_2', session: 't000000', open: true }),
      terminal({ name: 'gpu_box_3', session: null }),
      terminal({ name: 'gone_1', session: 't111111', machine: 'mch_9' })
    ];
    const stage = await new Stage({ machines: [machine({ actions: MAY })], left }).begun();
    const [, goOn] = [...stage.cards.keys()];
    expect(stage.cards.size).toBe(2);
    expect(goOn).toMatch(/^Go on with gpu-box \(ben\), since /u);
    await stage.cards.get(goOn!)!();
    expect(stage.asked).toEqual([
      { machine: 'mch_1', called: 'gpu-box', keep: true, session: 'tabcdef' }
    ]);
    stage.left = [];
    await stage.model.terminals.refresh();
    expect(stage.cards.size).toBe(1);
    expect(stage.commands.isEnabled(TerminalCommandIDs.goOn)).toBe(false);
  });

  it('that are refused are told of in a sentence', async () => {
    const stage = await new Stage({ machines: [machine({ actions: MAY })] }).begun();
    stage.server.on('POST terminals', () => refusal(403, 'forbidden', { detail: 'You may not.' }));
    void stage.commands.execute(TerminalCommandIDs.open, { id: 'mch_1' });
    await settle();
    const dialog = document.querySelector('.jp-Dialog');
    expect(dialog?.textContent).toContain('There is no terminal on "gpu-box"');
    expect(dialog?.textContent).toContain('You may not.');
    expect(stage.opened).toEqual([]);
  });
});
