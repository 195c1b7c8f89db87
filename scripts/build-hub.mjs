// Bundles the views' second shell, which the hub service serves: labextension/lib/hub into
// hub_service/jupyterhub_vmshare/pages/built. Each name carries a hash of what is in the file, and
// manifest.json says which they are.
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rspack } from '@rspack/core';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const target = resolve(root, 'hub_service/jupyterhub_vmshare/pages/built');

const compiler = rspack({
  context: root,
  mode: 'production',
  target: ['web', 'es2022'],
  // The pages allow no script that is made of a string.
  devtool: false,
  entry: {
    theme: './labextension/lib/hub/theme.js',
    hub: ['./labextension/lib/hub/index.js', './labextension/style/hub.css']
  },
  output: {
    path: target,
    filename: '[name].[contenthash:16].js',
    cssFilename: '[name].[contenthash:16].css'
  },
  // Of the translators these pages need the one that says what it is told: the others bring all of
  // JupyterLab's services along.
  resolve: { alias: { '@jupyterlab/translation$': '@jupyterlab/translation/lib/base.js' } },
  module: {
    rules: [
      { test: /\.css$/, type: 'css' },
      // They don't say so themselves: what nobody uses of them may be left out.
      { test: /node_modules\/@(jupyterlab|lumino)\/.*\.js$/, sideEffects: false }
    ]
  },
  optimization: {
    minimizer: [
      new rspack.SwcJsMinimizerRspackPlugin({ extractComments: true }),
      new rspack.LightningCssMinimizerRspackPlugin()
    ]
  },
  performance: { hints: false }
});

rmSync(target, { recursive: true, force: true });
compiler.run((error, stats) => {
  if (error || stats.hasErrors()) {
    console.error(error ?? stats.toString({ all: false, errors: true, errorsCount: true }));
    process.exit(1);
  }
  const names = stats.toJson({ all: false, assets: true }).assets.map(({ name }) => name);
  const plain = name => name.replace(/\.[0-9a-f]{16}\./, '.');
  const manifest = Object.fromEntries(names.sort().map(name => [plain(name), name]));
  writeFileSync(resolve(target, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  compiler.close(() => undefined);
});
