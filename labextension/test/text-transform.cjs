// JupyterLab imports its icons as text.
module.exports = {
  process: text => ({ code: `module.exports = ${JSON.stringify(text)};` })
};
