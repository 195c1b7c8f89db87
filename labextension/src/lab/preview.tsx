import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { FileClient } from '../api/files';
import type { EntryView } from '../api/types';
import type { Content } from '../views/preview';
import { Preview } from '../views/preview';
import { View } from './reactive';

/** More than this is for a download. */
const LIMITS = { text: 1024 * 1024, image: 20 * 1024 * 1024 };
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
export function previewKind(registry: DocumentRegistry, name: string): Content['kind'] | null {
  if (extension(name) in IMAGES) {
    return 'image';
  }
  const type = registry.getFileTypesForPath(name)[0];
  if (!type) {
    return name.includes('.') ? null : 'text';
  }
  return type.fileFormat === 'text' && type.contentType === 'file' ? 'text' : null;
}

/** A file's content, fetched when it is shown. */
export function previewWidget(
  files: FileClient,
  registry: DocumentRegistry,
  folderId: string,
  entry: EntryView,
  trans: TranslationBundle
): View {
  const kind = previewKind(registry, entry.name) ?? 'text';
  const limit = LIMITS[kind];
  let address: string | null = null;
  const load = async (): Promise<Content> => {
    const { blob, complete } = await files.read(folderId, entry.path, limit);
    if (kind === 'text') {
      return { kind, value: await blob.text(), complete };
    }
    address = URL.createObjectURL(new Blob([blob], { type: IMAGES[extension(entry.name)] ?? '' }));
    return { kind, value: address, complete };
  };
  const view = new View(trans, () => (
    <Preview
      name={entry.name}
      load={load}
      limit={limit}
      downloadUrl={files.downloadUrl(folderId, entry.path)}
    />
  ));
  view.addClass('jp-VMShare-previewTab');
  view.disposed.connect(() => {
    if (address !== null) {
      URL.revokeObjectURL(address);
    }
  });
  return view;
}

function extension(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase();
}
