import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { MimeModel, OutputModel } from '@jupyterlab/rendermime';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { Widget } from '@lumino/widgets';

import type { Part, ShowPart } from '../views/notebook';

const MARKDOWN = 'text/markdown';

/** Shows parts of notebooks as JupyterLab does where it does not trust them: no script runs. */
export function partsBy(rendermime: IRenderMimeRegistry): ShowPart {
  return (host, part) => {
    const data = dataOf(part);
    const type = rendermime.preferredMimeType(data, 'ensure');
    if (type === undefined) {
      return () => undefined;
    }
    const widget = rendermime.createRenderer(type);
    const model = new MimeModel({ data, trusted: false });
    Widget.attach(widget, host);
    widget.renderModel(model).catch((error: unknown) => {
      console.warn('A part of a notebook could not be shown.', error);
    });
    return () => {
      widget.dispose();
    };
  };
}

function dataOf(part: Part): ReadonlyPartialJSONObject {
  if ('markdown' in part) {
    return { [MARKDOWN]: part.markdown };
  }
  if ('code' in part) {
    // As a fenced block, code gets the colours that JupyterLab gives it.
    return { [MARKDOWN]: fenced(part.code, part.language) };
  }
  const model = new OutputModel({ value: part.output as never, trusted: false });
  const { data } = model;
  model.dispose();
  return data;
}

/** A fence that is longer than any in the code. */
export function fenced(code: string, language: string): string {
  const longest = Math.max(2, ...(code.match(/`+/gu) ?? []).map(ticks => ticks.length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${code}\n${fence}`;
}
