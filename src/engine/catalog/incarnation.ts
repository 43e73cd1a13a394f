/**
 * Which life of the database this is. After a restore from a backup the same snapshot ids come to name other commits, so
 * what names a snapshot outside (cursors, ids, places to resume from) also names the incarnation, which is another one then.
 *
 * A restore is noticed by the file INCARNATION. A copy has its content, but not its inode number and time of birth, which
 * the catalog knows; a restart, a reboot and a move within a file system keep them. The file is written anew at each start,
 * so that a backup that is copied over the directory in place does not meet the file that it knows either. Device numbers
 * are not looked at: they change at reboots.
 */
import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ByteReader, ByteWriter } from '../encoding/bytes.ts';
import { EngineError } from '../model/errors.ts';
import { INCARNATION_KEY } from './keys.ts';
import type { CatalogStore } from './store.ts';

export const INCARNATION_FILE = 'INCARNATION';
const NAME_BYTES = 6;

/** Why an incarnation is the one it is: the database went on, is new, was found to be a copy, or the operator said so. */
type IncarnationCause = 'same' | 'new' | 'copied' | 'asked';

export interface Incarnation {
  /** Eight characters of base64url. */
  readonly name: string;
  readonly cause: IncarnationCause;
  /** Why it could not be written down, as on a disk that is full or read-only: then the next start begins another one. */
  readonly unkept?: unknown;
}

interface IncarnationRecord {
  readonly name: string;
  /** What the file may be: the newest mark, and the one before it, in whose place the newest may not have come. */
  readonly marks: readonly string[];
}

/**
 * The incarnation of an opened catalog; another one than before where the directory is a copy, or `renew` asks for it. The
 * name is random, so one that could not be kept is not met again.
 * @throws EngineError CORRUPT_DATA
 */
export async function claimIncarnation(store: CatalogStore, dataDirectory: string, renew = false): Promise<Incarnation> {
  const stored = store.get(INCARNATION_KEY);
  const record = stored === undefined ? undefined : decodeRecord(stored);
  const mark = readMark(join(dataDirectory, INCARNATION_FILE));
  const isSame = record !== undefined && mark !== undefined && record.marks.includes(mark);
  const cause = record === undefined ? 'new' : !isSame ? 'copied' : renew ? 'asked' : 'same';
  const name = cause === 'same' && record !== undefined ? record.name : randomBytes(NAME_BYTES).toString('base64url');
  try {
    await keep(store, dataDirectory, name, cause === 'same' ? mark : undefined);
  } catch (error) {
    if (error instanceof EngineError && error.code === 'CORRUPT_DATA') throw error;
    return cause === 'same' ? { name, cause } : { name, cause, unkept: error };
  }
  return { name, cause };
}

/** The file's mark goes into the catalog before the file comes into its place, so that a crash in between is no restore. */
async function keep(store: CatalogStore, dataDirectory: string, name: string, before: string | undefined): Promise<void> {
  const path = join(dataDirectory, INCARNATION_FILE);
  const fresh = `${path}.new`;
  rmSync(fresh, { force: true });
  writeDurably(fresh, `${name} ${randomBytes(8).toString('hex')}\n`);
  const mark = readMark(fresh);
  if (mark === undefined) throw new Error(`${fresh} cannot be read`);
  const marks = before === undefined ? [mark] : [mark, before];
  await store.write([{ key: INCARNATION_KEY, value: encodeRecord({ name, marks }) }], { sync: true });
  renameSync(fresh, path);
  syncDirectory(dataDirectory);
}

/** What the file says, and what it physically is; undefined where there is none. */
function readMark(path: string): string | undefined {
  try {
    const { ino, birthtimeNs } = statSync(path, { bigint: true });
    return `${readFileSync(path, 'latin1').trim()} ${ino} ${birthtimeNs}`;
  } catch {
    return undefined;
  }
}

function writeDurably(path: string, text: string): void {
  const descriptor = openSync(path, 'wx', 0o644);
  try {
    writeSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function encodeRecord({ name, marks }: IncarnationRecord): Buffer {
  const writer = new ByteWriter(128).text(name).varint(marks.length);
  for (const mark of marks) writer.text(mark);
  return writer.finish();
}

function decodeRecord(bytes: Uint8Array): IncarnationRecord {
  const reader = new ByteReader(bytes);
  const name = reader.text();
  return { name, marks: Array.from({ length: reader.varint() }, () => reader.text()) };
}
