// jsdom with what it lacks of the web's network interfaces, from Node.
const { TestEnvironment } = require('jest-environment-jsdom');

const NETWORK = ['AbortController', 'AbortSignal', 'Headers', 'Request', 'Response', 'fetch'];

module.exports = class extends TestEnvironment {
  constructor(...args) {
    super(...args);
    for (const name of NETWORK) {
      this.global[name] = globalThis[name];
    }
  }
};
