/** One opened LevelDB. It closes when nobody reads from it any more, so that reads can move on to another one at any time. */
import { Level } from 'level';

/** A record to write, or, where the value is null, to delete. Values have their checksum. */
export interface SealedPut {
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

/** Also the most that LevelDB's own log holds before it becomes a table, twice at worst. */
const WRITE_BUFFER_BYTES = 4 * 1024 * 1024;
const READ_AT_ONCE = 1000;

export class LevelHandle {
  readonly directory: string;
  readonly #db: Level<Buffer, Buffer>;
  #reads = 0;
  #closing: Promise<void> | undefined;
  #idle: (() => void) | undefined;

  protected constructor(db: Level<Buffer, Buffer>, directory: string) {
    this.#db = db;
    this.directory = directory;
  }

  /** @throws the binding's error, LEVEL_LOCKED where the folder is open already */
  static async open(directory: string): Promise<LevelHandle> {
    const db = new Level<Buffer, Buffer>(directory, {
      keyEncoding: 'buffer',
      valueEncoding: 'buffer',
      writeBufferSize: WRITE_BUFFER_BYTES,
      cacheSize: 32 * 1024 * 1024,
    });
    await db.open();
    return new LevelHandle(db, directory);
  }

  get #tools(): LevelTools {
    return this.#db as unknown as LevelTools;
  }

  get(key: Buffer): Buffer | undefined {
    return this.#db.getSync(key);
  }

  getMany(keys: Buffer[]): Promise<(Buffer | undefined)[]> {
    return this.#reading(() => this.#db.getMany(keys));
  }

  /** Up to `limit` records of a range, in its order. */
  entries(range: Range, limit: number): Promise<[Buffer, Buffer][]> {
    return this.#reading(async () => {
      const iterator = this.#db.iterator({ ...range, limit });
      try {
        const entries: [Buffer, Buffer][] = [];
        while (entries.length < limit) {
          const batch = await iterator.nextv(Math.min(limit - entries.length, READ_AT_ONCE));
          if (batch.length === 0) break;
          for (const entry of batch) entries.push(entry);
        }
        return entries;
      } finally {
        await iterator.close();
      }
    });
  }

  /** The keys alone of a range, up to `limit`. */
  keys(range: Range, limit: number): Promise<Buffer[]> {
    return this.#reading(() => this.#db.keys({ ...range, limit }).all());
  }

  /** One atomic batch, in order. `sync`: it is on disk when the promise resolves. */
  async write(puts: readonly SealedPut[], { sync }: { readonly sync: boolean }): Promise<void> {
    // A chained batch hands each record to LevelDB as it is: a tenth of the time that an array of them takes.
    const batch = this.#db.batch();
    for (const { key, value } of puts) {
      if (value === null) batch.del(key);
      else batch.put(key, value);
    }
    await batch.write({ sync });
  }

  approximateSize(start: Buffer, end: Buffer): Promise<number> {
    return this.#reading(() => this.#tools.approximateSize(start, end));
  }

  /** Merges the tables of a range; LevelDB tells only the next write whether it went well. */
  compact(start: Buffer, end: Buffer): Promise<void> {
    return this.#reading(() => this.#tools.compactRange(start, end));
  }

  async #reading<T>(work: () => Promise<T>): Promise<T> {
    this.#reads += 1;
    try {
      return await work();
    } finally {
      this.#reads -= 1;
      if (this.#reads === 0) this.#idle?.();
    }
  }

  /** Waits for those who read, and closes. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#reads > 0)
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
    await this.#db.close();
  }
}
