/**
 * The catalog's records, with a checksum on every value. The checksum covers key and value, so a flipped bit in either is
 * found by whoever reads the record. Keeps invariant 6: a damaged record is CORRUPT_DATA, never another value. What is written
 * goes through the guard alone (write-guard.ts).
 */
import { crc32c } from '../encoding/crc32c.ts';
import { EngineError } from '../model/errors.ts';
import { storageError, troubleOf } from '../model/storage-error.ts';
import { HEAD_KEY } from './keys.ts';
import { LevelHandle, type Range, type SealedPut } from './level-handle.ts';
import { damagedFiles } from './leveldb/files.ts';
import type { DirectoryLock } from './lock.ts';
import { encodeHead, type Head } from './records.ts';
import { type GuardParts, WriteGuard } from './write-guard.ts';
import type { WriteTrouble } from './write-phases.ts';

export type { Range } from './level-handle.ts';

/** A record to write, or, where the value is null, to delete. */
export type Put = SealedPut;

const CHECKSUM_BYTES = 4;
/** Records that a cleared range loses at once: many more would hold up the event loop and the commits behind. */
const CLEAR_STEP = 1_000;

function seal(key: Buffer, value: Buffer): Buffer {
  const sealed = Buffer.allocUnsafe(value.length + CHECKSUM_BYTES);
  sealed.set(value);
  sealed.writeUInt32LE(crc32c(value, crc32c(key)), value.length);
  return sealed;
}

const sealed = (puts: readonly Put[]): SealedPut[] =>
  puts.map(({ key, value }) => ({ key, value: value === null ? null : seal(key, value) }));

export interface StoreParts {
  readonly dataDirectory: string;
  readonly openLevel: (directory: string) => Promise<LevelHandle>;
  readonly lock?: DirectoryLock | undefined;
  readonly onTrouble?: GuardParts['onTrouble'];
}

export class CatalogStore {
  readonly #guard: WriteGuard;
  readonly #directory: string;
  #poison: EngineError | undefined;

  private constructor(guard: WriteGuard, directory: string) {
    this.#guard = guard;
    this.#directory = directory;
  }

  /** A catalog's folder by itself, without what stands beside it: for tests and tools. @throws the binding's error */
  static async open(directory: string): Promise<CatalogStore> {
    const parts = { dataDirectory: directory, directory, openLevel: LevelHandle.open };
    return new CatalogStore(await WriteGuard.direct(guardParts(parts, directory)), directory);
  }

  /** A new catalog. @throws the binding's error */
  static async create(parts: StoreParts, directory: string): Promise<CatalogStore> {
    return new CatalogStore(await WriteGuard.direct(guardParts(parts, directory)), directory);
  }

  /** A catalog that is only looked at, on a copy, until `start`. @throws the binding's or the system's error */
  static async look(parts: StoreParts, directory: string): Promise<CatalogStore> {
    return new CatalogStore(await WriteGuard.onCopy(guardParts(parts, directory)), directory);
  }

  /** From the copy to the folder itself. Where that cannot be written, reads go on from the copy. @throws EngineError of WriteGuard.start */
  start(head: Head | undefined): Promise<void> {
    return this.#guard.start(head);
  }

  /** See WriteGuard.watch. */
  watch(head: Head | undefined): void {
    this.#guard.watch(head);
  }

  /** Closes; see WriteGuard.close. */
  close(compactLog: boolean): Promise<void> {
    return this.#guard.close(compactLog);
  }

  /** From now on nothing is read or written: every call fails with this error. */
  poison(error: EngineError): void {
    this.#poison ??= error;
  }

  /** Why nothing can be written; undefined where all is well. */
  get trouble(): WriteTrouble | undefined {
    return this.#poison === undefined ? this.#guard.trouble : { error: this.#poison, sinceMs: Date.now() };
  }

  /** No more is written until the database is opened again; reads go on. @returns the error that writers get from now on */
  halt(cause: Error): EngineError {
    const message = `no commit is taken any more, and nothing was kept of those under way: Tidemark found a defect of its own (${cause.message})`;
    const hint = 'Reads go on. Restart the database: it then checks what is on disk. Please report this error with its message.';
    const error = new EngineError('READ_ONLY', message, { hint, cause });
    this.#guard.halt(error);
    return error;
  }

  /** Whether the log may hold a batch whose writers were told that it failed. */
  get isUnresolved(): boolean {
    return this.#guard.isUnresolved;
  }

  get isWritable(): boolean {
    return this.#poison === undefined && this.#guard.isWritable;
  }

  /** See WriteGuard.admit. */
  async admit(needed = false): Promise<void> {
    if (this.#poison !== undefined) throw this.#poison;
    await this.#guard.admit(needed);
  }

  get(key: Buffer): Buffer | undefined {
    if (this.#poison !== undefined) throw this.#poison;
    try {
      return this.#unseal(key, this.#guard.reading.get(key));
    } catch (error) {
      throw this.#mapped(error);
    }
  }

  async getMany(keys: Buffer[]): Promise<(Buffer | undefined)[]> {
    const values = await this.#read((handle) => handle.getMany(keys));
    return values.map((value, index) => this.#unseal(keys[index] as Buffer, value));
  }

  /** Up to `limit` records of a range, in its order. */
  async entries(range: Range, limit: number): Promise<[Buffer, Buffer][]> {
    if (limit <= 0) return [];
    const entries = await this.#read((handle) => handle.entries(range, limit));
    return entries.map(([key, value]) => [key, this.#unseal(key, value) as Buffer]);
  }

  /** The keys alone of a range, up to `limit`: for counting, where no value is looked at. */
  async keys(range: Range, limit: number): Promise<Buffer[]> {
    return this.#read((handle) => handle.keys(range, limit));
  }

  async first(range: Range): Promise<[Buffer, Buffer] | undefined> {
    return (await this.entries(range, 1))[0];
  }

  /** One atomic batch, in order. `sync`: it is on disk when the promise resolves. @throws EngineError of WriteGuard.admit */
  async write(puts: readonly Put[], options: { readonly sync: boolean }): Promise<void> {
    if (this.#poison !== undefined) throw this.#poison;
    await this.#guard.write(sealed(puts), options);
  }

  /** A round of commits, and the head that it leads to, in one synced batch. @throws EngineError of WriteGuard.admit */
  async commit(puts: readonly Put[], head: Head): Promise<void> {
    if (this.#poison !== undefined) throw this.#poison;
    const batch = sealed(puts);
    batch.push({ key: HEAD_KEY, value: seal(HEAD_KEY, encodeHead(head)) });
    await this.#guard.commit(batch, head);
  }

  /** Deletes a range, some records at a time; not synced, for what is garbage already. @throws EngineError of WriteGuard.admit */
  async clear(range: Range): Promise<void> {
    for (;;) {
      const entries = await this.#read((handle) => handle.entries(range, CLEAR_STEP));
      if (entries.length > 0)
        await this.write(
          entries.map(([key]) => ({ key, value: null })),
          { sync: false },
        );
      if (entries.length < CLEAR_STEP) return;
    }
  }

  /** Bytes of a range on disk; approximate, and without what is still in LevelDB's log. */
  async approximateSize(start: Buffer, end: Buffer): Promise<number> {
    return this.#read((handle) => handle.approximateSize(start, end));
  }

  /** @throws EngineError of WriteGuard.admit, also where LevelDB could not write the merged tables */
  async compactAll(): Promise<void> {
    if (this.#poison !== undefined) throw this.#poison;
    await this.#guard.compact(Buffer.of(0), Buffer.of(0xff));
  }

  #unseal(key: Buffer, value: Buffer | undefined): Buffer | undefined {
    if (value === undefined) return undefined;
    const size = value.length - CHECKSUM_BYTES;
    if (size < 0 || crc32c(value, crc32c(key), 0, size) !== value.readUInt32LE(size)) {
      throw this.corrupt(`the checksum of catalog record ${key.toString('hex')} does not match`);
    }
    return value.subarray(0, size);
  }

  async #read<T>(read: (handle: LevelHandle) => Promise<T>): Promise<T> {
    if (this.#poison !== undefined) throw this.#poison;
    try {
      return await read(this.#guard.reading);
    } catch (error) {
      throw this.#mapped(error);
    }
  }

  #mapped(error: unknown): unknown {
    if (levelCodes(error).has('LEVEL_CORRUPTION')) return this.corrupt('LevelDB reports corruption', error);
    // A table that cannot be opened or read. Few descriptors pass; what else it is, the disk does not give back what it has.
    if (troubleOf(error) === 'descriptors') return storageError(error, 'the catalog cannot be read');
    return levelCodes(error).has('LEVEL_IO_ERROR') ? this.corrupt('LevelDB cannot read it', error) : error;
  }

  /** The error of a record that is damaged or missing; names the file where LevelDB's own checksums show it. */
  corrupt(what: string, cause?: unknown): EngineError {
    return corruptIn(this.#directory, what, cause);
  }
}

function guardParts(parts: StoreParts, directory: string): GuardParts {
  return { ...parts, directory, corrupt: (what, cause) => corruptIn(directory, what, cause) };
}

function corruptIn(directory: string, what: string, cause?: unknown): EngineError {
  return corruptCatalog(damagedFiles(directory)[0]?.file ?? 'catalog', what, cause);
}

/** The codes of an error and its causes. */
export function levelCodes(error: unknown): Set<unknown> {
  const codes = new Set<unknown>();
  for (let at: unknown = error; at instanceof Error; at = at.cause) codes.add((at as { code?: unknown }).code);
  return codes;
}

/** `file` is relative to the data directory. */
export function corruptCatalog(file: string, what: string, cause?: unknown): EngineError {
  return new EngineError('CORRUPT_DATA', `${file}: ${what}`, {
    details: { file },
    hint: 'The disk returned other bytes than were written. Restore the data directory from a backup; docs/operations.md describes how to save what is left.',
    ...(cause === undefined ? {} : { cause }),
  });
}
