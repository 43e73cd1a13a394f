/**
 * LevelDB, with a checksum on every value. The checksum covers key and value, so a flipped bit in either is found by
 * whoever reads the record. Keeps invariant 6: a damaged record is CORRUPT_DATA, never another value.
 */
import { Level } from 'level';
import { crc32c } from '../model/crc32c.ts';
import { EngineError } from '../model/errors.ts';
import { damagedFiles } from './leveldb-files.ts';

/** A record to write, or, where the value is null, to delete. */
export interface Put {
  readonly key: Buffer;
  readonly value: Buffer | null;
}

export interface Range {
  readonly gte?: Buffer;
  readonly gt?: Buffer;
  readonly lt?: Buffer;
  readonly lte?: Buffer;
  readonly reverse?: boolean;
}

/** What `level` is on Node (classic-level) beyond the type that it declares for all platforms. */
interface LevelTools {
  compactRange(start: Buffer, end: Buffer): Promise<void>;
  approximateSize(start: Buffer, end: Buffer): Promise<number>;
}

const CHECKSUM_BYTES = 4;
/** Also the most that LevelDB's own log holds before it becomes a table, twice at worst. */
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024;

function seal(key: Buffer, value: Buffer): Buffer {
  const sealed = Buffer.allocUnsafe(value.length + CHECKSUM_BYTES);
  sealed.set(value);
  sealed.writeUInt32LE(crc32c(value, crc32c(key)), value.length);
  return sealed;
}

export class CatalogStore {
  readonly #db: Level<Buffer, Buffer>;
  readonly #directory: string;

  readonly #release: () => void;
  #poison: EngineError | undefined;

  private constructor(db: Level<Buffer, Buffer>, directory: string, release: () => void) {
    this.#db = db;
    this.#directory = directory;
    this.#release = release;
  }

  /** `release` is called when the store closes. @throws the binding's error, LEVEL_LOCKED where another process holds the folder */
  static async open(directory: string, release: () => void = () => {}): Promise<CatalogStore> {
    const db = new Level<Buffer, Buffer>(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: WRITE_BUFFER_BYTES,
      cacheSize: 32 * 1024 * 1024,
    });
    await db.open();
    return new CatalogStore(db, directory, release);
  }

  /** Moves all of LevelDB's log into its tables, so that the next open has nothing to replay, and closes. */
  async close(compactLog: boolean): Promise<void> {
    // Any range does: LevelDB empties its memory table first. This one holds no key.
    if (compactLog) await this.#tools.compactRange(Buffer.of(0xff), Buffer.of(0xff, 0xff));
    await this.#db.close();
    this.#release();
  }

  /** From now on nothing is read or written: every call fails with this error. */
  poison(error: EngineError): void {
    this.#poison ??= error;
  }

  get #tools(): LevelTools {
    return this.#db as unknown as LevelTools;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#guard(() => this.#unseal(key, this.#db.getSync(key)));
  }

  async getMany(keys: Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#guardAsync(async () => {
      const values = await this.#db.getMany(keys);
      return values.map((value, index) => this.#unseal(keys[index] as Buffer, value));
    });
  }

  /** Up to `limit` records of a range, in its order. */
  async entries(range: Range, limit: number): Promise<[Buffer, Buffer][]> {
    if (limit <= 0) return [];
    return this.#guardAsync(async () => {
      const iterator = this.#db.iterator({ ...range, limit });
      try {
        const entries: [Buffer, Buffer][] = [];
        while (entries.length < limit) {
          const batch = await iterator.nextv(Math.min(limit - entries.length, 1000));
          if (batch.length === 0) break;
          for (const [key, value] of batch) entries.push([key, this.#unseal(key, value) as Buffer]);
        }
        return entries;
      } finally {
        await iterator.close();
      }
    });
  }

  /** The keys alone of a range, up to `limit`: for counting, where no value is looked at. */
  async keys(range: Range, limit: number): Promise<Buffer[]> {
    return this.#guardAsync(() => this.#db.keys({ ...range, limit }).all());
  }

  async first(range: Range): Promise<[Buffer, Buffer] | undefined> {
    return (await this.entries(range, 1))[0];
  }

  /** One atomic batch, in order. `sync`: it is on disk when the promise resolves. */
  async write(puts: readonly Put[], { sync }: { sync: boolean }): Promise<void> {
    if (this.#poison !== undefined) throw this.#poison;
    // A chained batch hands each record to LevelDB as it is: a tenth of the time that an array of them takes.
    const batch = this.#db.batch();
    for (const { key, value } of puts) {
      if (value === null) batch.del(key);
      else batch.put(key, seal(key, value));
    }
    await batch.write({ sync });
  }

  /** Deletes a range off the main thread; not synced, for what is garbage already. */
  async clear(range: Range): Promise<void> {
    await this.#db.clear({ ...range });
  }

  /** Bytes of a range on disk; approximate, and without what is still in LevelDB's log. */
  async approximateSize(start: Buffer, end: Buffer): Promise<number> {
    return this.#tools.approximateSize(start, end);
  }

  async compactAll(): Promise<void> {
    await this.#tools.compactRange(Buffer.of(0), Buffer.of(0xff));
  }

  #unseal(key: Buffer, sealed: Buffer | undefined): Buffer | undefined {
    if (sealed === undefined) return undefined;
    const size = sealed.length - CHECKSUM_BYTES;
    if (size < 0 || crc32c(sealed, crc32c(key), 0, size) !== sealed.readUInt32LE(size)) {
      throw this.corrupt(`the checksum of catalog record ${key.toString('hex')} does not match`);
    }
    return sealed.subarray(0, size);
  }

  #guard<T>(read: () => T): T {
    if (this.#poison !== undefined) throw this.#poison;
    try {
      return read();
    } catch (error) {
      throw this.#mapped(error);
    }
  }

  async #guardAsync<T>(read: () => Promise<T>): Promise<T> {
    if (this.#poison !== undefined) throw this.#poison;
    try {
      return await read();
    } catch (error) {
      throw this.#mapped(error);
    }
  }

  #mapped(error: unknown): unknown {
    return isLevelCorruption(error) ? this.corrupt('LevelDB reports corruption', error) : error;
  }

  /** The error of a record that is damaged or missing; names the file where LevelDB's own checksums show it. */
  corrupt(what: string, cause?: unknown): EngineError {
    const damaged = damagedFiles(this.#directory);
    const file = damaged[0]?.file ?? 'catalog';
    return corruptCatalog(file, what, cause);
  }
}

function isLevelCorruption(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ((at as { code?: unknown }).code === 'LEVEL_CORRUPTION') return true;
  }
  return false;
}

/** `file` is relative to the data directory. */
export function corruptCatalog(file: string, what: string, cause?: unknown): EngineError {
  return new EngineError('CORRUPT_DATA', `${file}: ${what}`, {
    details: { file },
    hint: 'The disk returned other bytes than were written. Restore the data directory from a backup; docs/operations.md tells how to save what is left.',
    ...(cause === undefined ? {} : { cause }),
  });
}
