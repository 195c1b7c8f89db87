import { nullTranslator } from '@jupyterlab/translation';
import { act, within } from '@testing-library/react';

import type { MachineView } from '../../src/api/types';
import { MachineActs } from '../../src/lab/machineacts';
import type { Settings } from '../../src/lab/settings';
import { VMShareModel } from '../../src/model/vmshare';
import { machine } from '../fakes/machines';
import { FakeServer, settle } from '../fakes/server';

const REBOOT = 'POST api/machines/mch_1/reboot';

/** What is asked of somebody who reboots a machine in this state, and of the service then. */
async function rebooted(
  state: NonNullable<MachineView['state']>,
  button: string
): Promise<[string, unknown]> {
  const server = new FakeServer().on(REBOOT, () => machine({ state: 'rebooting' }));
  const model = new VMShareModel(server.client);
  const acts = new MachineActs(
    model,
    {} as unknown as Settings, // it has nothing to do with it
    nullTranslator.load('jupyter_vmshare')
  );
  const done = acts.reboot(machine({ state }));
  await settle();
  const dialog = document.querySelector<HTMLElement>('.jp-Dialog')!;
  const said = dialog.textContent;
  const found = within(dialog).getByRole('button', { name: button, hidden: true });
  act(() => found.click());
  await done;
  model.dispose();
  return [said, server.calls(REBOOT)[0]!.body];
}

describe('rebooting a machine', () => {
  it('asks who is on it, in order, while it runs', async () => {
    const [said, body] = await rebooted('running', 'Reboot');
    expect(said).toContain('Reboot "gpu-box"?');
    expect(body).toBeFalsy();
  });

  it.each(['stopping', 'rebooting'] as const)('waits for nothing while it is %s', async state => {
    const [said, body] = await rebooted(state, 'Reboot at once');
    expect(said).toContain('not waited for any more');
    expect(body).toEqual({ hard: true });
  });
});
