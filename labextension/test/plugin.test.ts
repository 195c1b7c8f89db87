import schema from '../schema/plugin.json';
import plugins from '../src/index';
import { IVMShare } from '../src';
import { CommandIDs } from '../src/lab/commands';

describe('the plugins', () => {
  it('include the one that the settings schema is named after', () => {
    expect(plugins.map(plugin => plugin.id)).toContain('jupyter-vmshare:plugin');
  });

  it.each(plugins.map(plugin => [plugin.id, plugin.autoStart]))(
    '%s starts with JupyterLab',
    (_, autoStart) => {
      expect(autoStart).toBe(true);
    }
  );

  it('give other extensions the token', () => {
    expect(plugins.some(plugin => plugin.provides === IVMShare)).toBe(true);
  });

  it('have menus that JupyterLab takes: it refuses all of them for one rank below zero', () => {
    const items = schema['jupyter.lab.menus'].context;
    expect(items.filter(({ rank }) => rank < 0)).toEqual([]);
    expect(items.filter(({ selector }) => selector.includes(','))).toEqual([]);
  });

  it('have a menu of a folder with all that is done with it in sessions and on machines', () => {
    const commands = schema['jupyter.lab.menus'].context.map(({ command }) => command);
    const { openHere, insertPath, mount, unmount, onMachines } = CommandIDs;
    expect(commands).toEqual(
      expect.arrayContaining([openHere, insertPath, mount, unmount, onMachines])
    );
  });

  it('ask before anything that hurts, unless the person does not want that', () => {
    const { confirmDelete, confirmLeave, confirmTrash } = schema.properties;
    expect([confirmDelete, confirmLeave, confirmTrash].map(each => each.default)).toEqual([
      true,
      true,
      true
    ]);
  });
});
