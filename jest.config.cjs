// Packages that ship ES modules only; jest loads CommonJS, so swc translates them too.
const esModules = [
  '@codemirror',
  '@jupyter',
  '@jupyterlab',
  '@lezer',
  '@lumino',
  '@marijn',
  '@microsoft',
  '@rjsf',
  'colord',
  'exenv-es6',
  'lib0',
  'nanoid',
  'y-protocols',
  'y-websocket',
  'yjs'
].join('|');

/** @type {import('jest').Config} */
module.exports = {
  rootDir: 'labextension',
  testEnvironment: '<rootDir>/test/environment.cjs',
  testMatch: ['<rootDir>/test/**/*.test.{ts,tsx}', '<rootDir>/src/**/*.test.{ts,tsx}'],
  setupFiles: ['<rootDir>/test/setup.cjs'],
  passWithNoTests: true,
  maxWorkers: 2,
  // The machine may be busy: what is asked for still happens.
  testTimeout: 60_000,
  moduleNameMapper: { '\\.(css|less)$': '<rootDir>/test/empty.cjs' },
  transform: {
    '\\.svg$': '<rootDir>/test/text-transform.cjs',
    '\\.[cm]?[jt]sx?$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', tsx: true },
          target: 'es2022',
          transform: { react: { runtime: 'automatic' } }
        },
        module: { type: 'commonjs' }
      }
    ]
  },
  transformIgnorePatterns: [`/node_modules/(?!(${esModules})/)`]
};
