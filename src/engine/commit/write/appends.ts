/** Appends. They need no base, so they are prepared in parallel and share the lock of their table. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type CatalogState, findTable, type TableState, tableById, tableNamed } from '../../catalog/state.ts';
import { tableDirectory } from '../../data/parquet.ts';
import type { Staging } from '../../data/staging.ts';
import { hashKeys } from '../../encoding/key-hash.ts';
import type { CommitEntry, Outcome, StagedFile } from '../../log/entry.ts';
import type { Log } from '../../log/log.ts';
import { refusalError } from '../../model/errors.ts';
import type { TableId } from '../../model/ids.ts';
import type { RowForm } from '../../model/rows.ts';
import type { Cells } from '../../model/types.ts';
import { checkNothing } from '../expectations.ts';
import type { TableLocks } from '../sequence/table-locks.ts';
import type { CheckedOptions } from './options.ts';
import { type PreparedAppend, prepareAppend, prepareFileAppend } from './prepare.ts';

interface AppendsParts {
  readonly dataDirectory: string;
  readonly current: () => CatalogState;
  readonly staging: Staging;
  readonly tableLocks: TableLocks;
  readonly log: Log;
  /** Waits until a table has room for more hot rows. */
  readonly roomFor: (tableId: TableId) => Promise<void>;
  /** Whether a write has failed and what is on disk is not known yet. */
  readonly failed: () => boolean;
}

/** What became of an append; `outcome` is undefined where there were no rows. */
interface Appended {
  readonly table: TableState;
  readonly outcome: Outcome | undefined;
  readonly rows: readonly Cells[];
}

export class Appends {
  readonly #parts: AppendsParts;

  constructor(parts: AppendsParts) {
    this.#parts = parts;
  }

  async append(name: string, rows: readonly unknown[], options: CheckedOptions, form: RowForm): Promise<Appended> {
    const prepared = await this.#prepared(name, rows, options, form);
    if ('outcome' in prepared) return prepared;
    if (prepared.staged === undefined) await this.#parts.roomFor(prepared.table.id);
    const first = await this.#submit(prepared.table, prepared.entry, prepared.staged, (work) =>
      this.#parts.tableLocks.shared(prepared.table.id, work),
    );
    if (first.kind !== 'refused') return { table: prepared.table, outcome: first, rows: prepared.rows };
    const now = findTable(this.#parts.current(), name);
    if (now === undefined || now.schema.version === prepared.table.schema.version) throw refusalError(first.refusal);
    // The columns changed meanwhile: prepared again with the lock shared, so that they cannot change once more.
    return this.#parts.tableLocks.shared(now.id, async () => {
      const again = await this.#prepared(name, rows, options, form);
      if ('outcome' in again) return again;
      const outcome = await this.#submit(again.table, again.entry, again.staged, (work) => work());
      if (outcome.kind === 'refused') throw refusalError(outcome.refusal);
      return { table: again.table, outcome, rows: again.rows };
    });
  }

  async #prepared(
    name: string,
    rows: readonly unknown[],
    options: CheckedOptions,
    form: RowForm,
  ): Promise<(PreparedAppend & { readonly table: TableState }) | Appended> {
    const table = tableNamed(this.#parts.current(), name);
    const prepared = await prepareAppend(this.#parts.staging, table, { rows, form, options });
    if (prepared === undefined) {
      checkNothing([tableById(this.#parts.current(), table.id)], options);
      return { table, outcome: undefined, rows: [] };
    }
    return { ...prepared, table };
  }

  async appendFile(name: string, path: string, options: CheckedOptions): Promise<Appended> {
    const table = tableNamed(this.#parts.current(), name);
    const { file, proof, keys } = await this.#parts.staging.importParquet(table.id, table.schema, path);
    if (file.rowCount === 0) {
      await this.#remove(table.id, file);
      checkNothing([tableById(this.#parts.current(), table.id)], options);
      return { table, outcome: undefined, rows: [] };
    }
    const keyHashes = await this.#removingOnError(table.id, file, async () =>
      hashKeys(table.schema, file.rowCount, (index) => keys[index] as Cells, 'key'),
    );
    const entry = prepareFileAppend(table, { file, proof }, keyHashes, options);
    const outcome = await this.#submit(table, entry, file, (work) => this.#parts.tableLocks.shared(table.id, work));
    if (outcome.kind === 'refused') throw refusalError(outcome.refusal);
    return { table, outcome, rows: [] };
  }

  async #submit(
    table: TableState,
    entry: CommitEntry,
    staged: StagedFile | undefined,
    through: (work: () => Promise<Outcome>) => Promise<Outcome>,
  ): Promise<Outcome> {
    const submit = (): Promise<Outcome> => through(() => this.#parts.log.append(entry));
    if (staged === undefined) return submit();
    const outcome = await this.#removingOnError(table.id, staged, submit);
    if (outcome.kind === 'replayed' || outcome.kind === 'refused') await this.#remove(table.id, staged);
    return outcome;
  }

  /** A refused entry's file is an orphan. Where the outcome of a failed write is unknown, the next start decides. */
  async #removingOnError<T>(tableId: TableId, staged: StagedFile, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!this.#parts.failed()) await this.#remove(tableId, staged);
      throw error;
    }
  }

  #remove(tableId: TableId, staged: StagedFile): Promise<void> {
    return rm(join(tableDirectory({ dataDirectory: this.#parts.dataDirectory, tableId }), staged.name), { force: true });
  }
}
