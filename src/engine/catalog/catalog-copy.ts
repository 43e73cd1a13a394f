/**
 * A copy of LevelDB's folder that can be opened while the folder itself stays as it is. It serves to look before anything is
 * replayed, and to read while the folder is closed and opened again. Tables never change, so they are linked; the logs and
 * the manifest are copied, a few MiB at most.
 */
import { copyFileSync, linkSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { liveTables } from './leveldb/files.ts';

/** LevelDB may move its files while they are copied; a copy of two moments is made again. */
const TRIES = 10;

/**
 * Copies a catalog's folder into a new one: below the data directory, or, where that cannot be written, in the system's
 * folder for temporary files. @returns its path @throws the system's error
 */
export function copyCatalog(dataDirectory: string): string {
  const into = makeFolder(dataDirectory);
  const directory = join(dataDirectory, 'catalog');
  try {
    for (let attempt = 1; ; attempt += 1) {
      if (copyAtOnce(directory, into) || attempt === TRIES) return into;
      for (const name of readdirSync(into)) rmSync(join(into, name));
    }
  } catch (error) {
    removeCopy(into);
    throw error;
  }
}

export function removeCopy(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

function makeFolder(dataDirectory: string): string {
  try {
    mkdirSync(join(dataDirectory, 'tmp'), { recursive: true });
    return mkdtempSync(join(dataDirectory, 'tmp', 'catalog-'));
  } catch (error) {
    if (!['EROFS', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return mkdtempSync(join(tmpdir(), 'tidemark-catalog-'));
  }
}

/** @returns whether the folder stood still meanwhile */
function copyAtOnce(directory: string, into: string): boolean {
  const before = leading(directory);
  try {
    for (const name of readdirSync(directory)) if (name.endsWith('.log')) copyFileSync(join(directory, name), join(into, name));
    const tables = new Set(liveTables(directory).keys());
    for (const name of readdirSync(directory)) {
      const table = /^(\d+)\.(?:ldb|sst)$/.exec(name);
      if (table !== null && tables.has(Number(table[1]))) linkTable(join(directory, name), join(into, name));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
  for (const [name, bytes] of before) writeFileSync(join(into, name), bytes);
  const after = new Map(leading(directory));
  return before.every(([name, bytes]) => after.get(name)?.equals(bytes) ?? false);
}

/** CURRENT and the manifest that it names. */
function leading(directory: string): [string, Buffer][] {
  const current = readFileSync(join(directory, 'CURRENT'));
  const manifest = current.toString('latin1').trim();
  if (!/^MANIFEST-\d+$/.test(manifest)) return [['CURRENT', current]];
  return [
    ['CURRENT', current],
    [manifest, readFileSync(join(directory, manifest))],
  ];
}

function linkTable(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    // Another file system, one without hard links, or a file of another user: a symbolic link has the same bytes.
    if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'EROFS', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    symlinkSync(from, to);
  }
}
