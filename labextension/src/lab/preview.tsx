import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { FileClient } from '../api/files';
import type { EntryView } from '../api/types';
import { notebookIn } from '../model/notebook';
import type { Content } from '../views/preview';
import { Preview } from '../views/preview';
import { partsBy } from './notebookparts';
import { View } from './reactive';

/** More than this is for a download. */
const LIMITS = { text: 1024 * 1024, image: 20 * 1024 * 1024, notebook: 20 * 1024 * 1024 };
// Never SVG or HTML: they could carry scripts.
const IMAGES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  bmp: 'image/bmp'
};

/** How a file can be looked at here; null where a download is the better way. */
export function previewKind(
  registry: DocumentRegistry,
  name: string,
  showsNotebooks: boolean
): Content['kind'] | null {
  if (extension(name) in IMAGES) {
    return 'image';
  }
  const type = registry.getFileTypesForPath(name)[0];
  if (!type) {
    return name.includes('.') ? null : 'text';
  }
  if (type.contentType === 'notebook') {
    return showsNotebooks ? 'notebook' : null;
  }
  return type.fileFormat === 'text' && type.contentType === 'file' ? 'text' : null;
}

/** A file, and what it takes to show it. */
export interface Previewed {
  files: FileClient;
  folderId: string;
  entry: EntryView;
  kind: Content['kind'];
  rendermime: IRenderMimeRegistry | null;
  trans: TranslationBundle;
}

/** A file's content, fetched when it is shown. */
export function previewWidget(previewed: Previewed): View {
  const { files, folderId, entry, kind, rendermime, trans } = previewed;
  const limit = LIMITS[kind];
  const addresses: string[] = [];
  const load = async (): Promise<Content> => {
    const { blob, complete } = await files.read(folderId, entry.path, limit);
    if (kind !== 'image') {
      return contentOf(kind, await blob.text(), complete);
    }
    const type = IMAGES[extension(entry.name)] ?? '';
    const address = URL.createObjectURL(new Blob([blob], { type }));
    addresses.push(address);
    return { kind, value: address, complete };
  };
  const show = rendermime ? { show: partsBy(rendermime) } : {};
  const view = new View(trans, () => (
    <Preview
      name={entry.name}
      load={load}
      limit={limit}
      {...show}
      downloadUrl={files.downloadUrl(folderId, entry.path)}
    />
  ));
  view.addClass('jp-VMShare-previewTab');
  view.disposed.connect(() => addresses.forEach(address => URL.revokeObjectURL(address)));
  return view;
}

/** A notebook that is none is still a text. */
function contentOf(kind: 'text' | 'notebook', value: string, complete: boolean): Content {
  const notebook = kind === 'notebook' ? notebookIn(value) : null;
  return notebook ? { kind: 'notebook', notebook, complete } : { kind: 'text', value, complete };
}

function extension(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase();
}
