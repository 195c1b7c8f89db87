// What browsers have, JupyterLab's packages use while they load, and jsdom lacks.
const { TextDecoder, TextEncoder } = require('node:util');
const { ReadableStream, TransformStream, WritableStream } = require('node:stream/web');

class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}

const missing = {
  DragEvent: class DragEvent extends MouseEvent {},
  IntersectionObserver: Observer,
  ReadableStream,
  ResizeObserver: Observer,
  TextDecoder,
  TextEncoder,
  TransformStream,
  WritableStream,
  fetch: globalThis.fetch ?? (() => Promise.reject(new Error('This test has no network.')))
};
for (const [name, value] of Object.entries(missing)) {
  globalThis[name] ??= value;
}
globalThis.matchMedia ??= query => ({
  matches: false,
  media: query,
  addEventListener() {},
  removeEventListener() {},
  addListener() {},
  removeListener() {}
});
Element.prototype.scrollIntoView ??= function () {};

// jsdom is never idle.
globalThis.requestIdleCallback ??= callback => setTimeout(callback);
globalThis.cancelIdleCallback ??= clearTimeout;
