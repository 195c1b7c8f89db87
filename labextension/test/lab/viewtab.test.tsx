import type { JupyterFrontEnd } from '@jupyterlab/application';
import { nullTranslator } from '@jupyterlab/translation';
import { folderIcon } from '@jupyterlab/ui-components';
import { Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import { act, render, screen } from '@testing-library/react';

import type { EventView } from '../../src/api/types';
import { View } from '../../src/lab/reactive';
import { Here, ViewTab, ViewTabs } from '../../src/lab/viewtab';
import type { VMShareModel } from '../../src/model/vmshare';
import { happening } from '../fakes/things';

const trans = nullTranslator.load('jupyter_vmshare');

interface World {
  model: VMShareModel;
  told: string[];
  make: (key: string) => ViewTab;
  becomes: (kind: string) => void;
  happens: (type: string) => void;
}

function world(kind: string): World {
  const told: string[] = [];
  const model = { standing: { kind, because: 'It rests.' } } as unknown as VMShareModel;
  const changed = new Signal<VMShareModel, void>(model);
  const happened = new Signal<VMShareModel, EventView>(model);
  Object.assign(model, { changed, happened });
  const shown = (key: string): ConstructorParameters<typeof ViewTab>[5] => ({
    open: () => Promise.resolve(void told.push(`open ${key}`)),
    receive: event => told.push(`${event.type} to ${key}`),
    dispose: () => told.push(`dispose ${key}`)
  });
  return {
    model,
    told,
    make: key => {
      const view = new View(trans, () => <p>{key}</p>);
      return new ViewTab(key, `tab-${key}`, folderIcon, view, model, shown(key));
    },
    becomes: kind => {
      Object.assign(model, { standing: { kind, because: 'It rests.' } });
      changed.emit(undefined);
    },
    happens: type => happened.emit(happening(type))
  };
}

describe('a tab', () => {
  it('opens once, as soon as there is a service', () => {
    const { told, make, becomes } = world('starting');
    const tab = make('a');
    expect(told).toEqual([]);
    becomes('ready');
    becomes('unreachable');
    becomes('ready');
    expect(told).toEqual(['open a']);
    tab.dispose();
  });

  it('hears what happens until it is closed, and tidies up once', () => {
    const { told, make, happens, becomes } = world('starting');
    const tab = make('a');
    happens('folder.renamed');
    tab.dispose();
    tab.dispose();
    happens('folder.deleted');
    becomes('ready');
    expect(told).toEqual(['folder.renamed to a', 'dispose a']);
  });
});

describe('tabs of one kind', () => {
  it('are one for each thing, which comes to the front again', () => {
    const { make } = world('ready');
    const [added, activated]: [string[], string[]] = [[], []];
    const shell = {
      add: (widget: Widget) => added.push(widget.id),
      activateById: (id: string) => activated.push(id)
    };
    const tabs = new ViewTabs({ shell } as unknown as JupyterFrontEnd, 'test', make);
    ['a', 'b', 'a'].forEach(key => tabs.open(key));
    expect(added).toEqual(['tab-a', 'tab-b']);
    expect(activated).toEqual(['tab-a', 'tab-b', 'tab-a']);
    tabs.tracker.find(tab => tab.key === 'a')?.dispose();
    tabs.open('a');
    expect(added).toEqual(['tab-a', 'tab-b', 'tab-a']);
    tabs.tracker.forEach(tab => tab.dispose());
  });
});

describe('what a tab shows', () => {
  it('is why nothing can be shared here, until something can', () => {
    const { model, becomes } = world('unreachable');
    render(<Here model={model}>the folders</Here>);
    expect(screen.queryByText('the folders')).toBeNull();
    expect(screen.getByText('It rests.')).toBeTruthy();
    act(() => becomes('ready'));
    expect(screen.getByText('the folders')).toBeTruthy();
  });
});
