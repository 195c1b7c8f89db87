import plugin from '../src/index';

describe('the plugin', () => {
  it('has the id that its settings schema is named after', () => {
    expect(plugin.id).toBe('jupyter-vmshare:plugin');
  });

  it('starts with JupyterLab', () => {
    expect(plugin.autoStart).toBe(true);
  });
});
