/**
 * Delete vectors as in-memory DuckDB tables, so that scans leave ended versions out with a join. One table for each table and
 * epoch of its ends: within an epoch ends are only added, and one that is too many for a reader's snapshot is left out by
 * its `_to`. Loaded when a read needs it, never on the commit path.
 */
import { BIGINT, DuckDBDataChunk } from '@duckdb/node-api';
import type { TableState } from '../catalog/state.ts';
import type { Ends } from '../model/history.ts';
import type { TableId } from '../model/ids.ts';
import type { Duck } from './duckdb.ts';
import { CHUNK_ROWS, nextTurn } from './load-rows.ts';

interface EndMirror {
  readonly name: string;
  readonly epoch: number;
  /** Batches of the table's list that were loaded. */
  loaded: number;
  users: number;
  created: boolean;
  stale: boolean;
  loading: Promise<void>;
}

export class EndMirrors {
  readonly #duck: Duck;
  readonly #mirrors = new Map<TableId, EndMirror[]>();
  #nextName = 1;

  constructor(duck: Duck) {
    this.#duck = duck;
  }

  /** Lends the name of a table (_row, _from, _to) with all delete vectors of a table's state; it may hold later ones too. */
  async with<T>(table: TableState, use: (name: string) => Promise<T>): Promise<T> {
    const mirror = this.#mirrorOf(table);
    mirror.users += 1;
    try {
      const load = mirror.loading.catch(() => {}).then(() => this.#load(mirror, table.ends));
      mirror.loading = load;
      await load;
      return await use(mirror.name);
    } finally {
      mirror.users -= 1;
      if (mirror.stale && mirror.users === 0) await this.#drop(table.id, mirror);
    }
  }

  #mirrorOf(table: TableState): EndMirror {
    let mirrors = this.#mirrors.get(table.id);
    if (mirrors === undefined) {
      mirrors = [];
      this.#mirrors.set(table.id, mirrors);
    }
    let mirror = mirrors.find((candidate) => candidate.epoch === table.endsEpoch && !candidate.stale);
    if (mirror === undefined) {
      mirror = {
        name: `ends_${table.id}_${this.#nextName}`,
        epoch: table.endsEpoch,
        loaded: 0,
        users: 0,
        created: false,
        stale: false,
        loading: Promise.resolve(),
      };
      this.#nextName += 1;
      mirrors.push(mirror);
    }
    return mirror;
  }

  async #load(mirror: EndMirror, ends: readonly Ends[]): Promise<void> {
    if (mirror.created && mirror.loaded >= ends.length) return;
    await this.#duck.withConnection(async (connection) => {
      if (!mirror.created) {
        await connection.run(`CREATE TABLE ${mirror.name} (_row BIGINT, _from BIGINT, _to BIGINT)`);
        mirror.created = true;
      }
      const fresh = ends.slice(mirror.loaded);
      const appender = await connection.createAppender(mirror.name);
      // How much of a failed load DuckDB kept is unknown: the next read starts a fresh one.
      mirror.stale = true;
      try {
        for (const batch of fresh) await append(appender, batch);
        appender.flushSync();
        mirror.loaded = ends.length;
        mirror.stale = false;
      } finally {
        appender.closeSync();
      }
    });
  }

  /** Drops what was loaded for earlier epochs of a table's ends; call it when no pin needs them. */
  retire(tableId: TableId, epoch: number): void {
    for (const mirror of [...(this.#mirrors.get(tableId) ?? [])]) {
      if (mirror.epoch >= epoch) continue;
      mirror.stale = true;
      if (mirror.users === 0) void this.#drop(tableId, mirror);
    }
  }

  async #drop(tableId: TableId, mirror: EndMirror): Promise<void> {
    const mirrors = this.#mirrors.get(tableId) ?? [];
    const at = mirrors.indexOf(mirror);
    if (at < 0) return;
    mirrors.splice(at, 1);
    if (mirrors.length === 0) this.#mirrors.delete(tableId);
    if (mirror.created) await this.#duck.run(`DROP TABLE IF EXISTS ${mirror.name}`).catch(() => {});
  }
}

type Appender = Awaited<ReturnType<import('@duckdb/node-api').DuckDBConnection['createAppender']>>;

async function append(appender: Appender, { to, rows, froms }: Ends): Promise<void> {
  const end = BigInt(to);
  for (let start = 0; start < rows.length; start += CHUNK_ROWS) {
    const stop = Math.min(start + CHUNK_ROWS, rows.length);
    const chunk = DuckDBDataChunk.create([BIGINT, BIGINT, BIGINT], stop - start);
    const columns = [new Array<bigint>(stop - start), new Array<bigint>(stop - start), new Array<bigint>(stop - start).fill(end)];
    for (let index = start; index < stop; index += 1) {
      (columns[0] as bigint[])[index - start] = BigInt(rows[index] as number);
      (columns[1] as bigint[])[index - start] = BigInt(froms[index] as number);
    }
    for (const [at, values] of columns.entries()) chunk.setColumnValues(at, values);
    appender.appendDataChunk(chunk);
    if (stop < rows.length) await nextTurn();
  }
}
