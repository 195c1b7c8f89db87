/** A file that is to go up, and its path below the directory that it goes to. */
export interface Incoming {
  file: File;
  path: string;
}

/** What was dropped: files, and the directories that have none. */
export interface Dropped {
  files: Incoming[];
  directories: string[];
}

/** Files that were chosen; of a directory that was chosen, each tells where it lies in it. */
export function chosen(files: Iterable<File>): Dropped {
  const incoming = [...files].map(file => ({ file, path: file.webkitRelativePath || file.name }));
  return { files: incoming, directories: [] };
}

/**
 * Everything in what was dropped, directories with all that is in them.
 *
 * To be called while the drop is handled: browsers forget it right after.
 */
export async function dropped(transfer: DataTransfer): Promise<Dropped> {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry());
  const known = entries.filter(entry => entry !== null);
  if (known.length === 0) {
    return chosen(transfer.files);
  }
  const found: Dropped = { files: [], directories: [] };
  for (const entry of known) {
    await gather(entry, entry.name, found);
  }
  return found;
}

async function gather(entry: FileSystemEntry, path: string, found: Dropped): Promise<void> {
  if (entry.isFile) {
    found.files.push({ file: await fileOf(entry as FileSystemFileEntry), path });
    return;
  }
  const inside = await allIn(entry as FileSystemDirectoryEntry);
  if (inside.length === 0) {
    found.directories.push(path);
  }
  for (const child of inside) {
    await gather(child, `${path}/${child.name}`, found);
  }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

/** Browsers tell a hundred at a time, and nothing when that was all. */
async function allIn(directory: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = directory.createReader();
  const found: FileSystemEntry[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject)
    );
    if (some.length === 0) {
      return found;
    }
    found.push(...some);
  }
}
