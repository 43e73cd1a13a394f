/**
 * Diffs: what became of a table's rows between two instants, as row-changes.ts specifies it. A diff is one span, or one for
 * each commit in mode FULL; each span's changes are found the cheapest way that can tell them: by its commit's record, by
 * the records of its commits put together, or by a scan.
 */
import { isKept, snapshotExpired, type TableState, tableById } from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import type { ChangeRecord } from '../../encoding/change-record.ts';
import { EngineError } from '../../model/errors.ts';
import type { Snapshot } from '../../model/history.ts';
import { asSnapshotId, type SnapshotId } from '../../model/ids.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import type { TableSchema } from '../../model/types.ts';
import type { PageArguments } from '../pages/page.ts';
import type { Filter } from '../scan/filter.ts';
import type { RowWindow } from '../scan/visibility.ts';
import { changesByFold } from './by-fold.ts';
import { changesByRecord, lacks, recordAt } from './by-record.ts';
import { changesByScan } from './by-scan.ts';
import { chosenSteps, filterOn } from './chosen-steps.ts';
import { allChanges, type ChangePage, pageAfterRow, preparePage } from './diff-page.ts';
import type { ChangeKind, RowChange, Steps } from './row-changes.ts';
import { columnsThen, type DiffSources, type Span } from './span.ts';

export interface DiffQuery {
  readonly from: SnapshotId;
  readonly to: SnapshotId;
  /** NET, the default: each row once, first against last. FULL: every step of every row, in commit order. */
  readonly mode?: 'NET' | 'FULL' | undefined;
  /** Changes whose row matches before or after. */
  readonly where?: Filter | undefined;
  readonly kinds?: readonly ChangeKind[] | undefined;
  /** The columns of the answer; those that the table has at `from` and at `to` where absent. */
  readonly schema?: TableSchema | undefined;
  /** The columns that `where` names; those of the later side's answer where absent. */
  readonly filterSchema?: TableSchema | undefined;
  /** Only rows of these identities: for the diff of a commit of so many that they are not to be held together. */
  readonly window?: RowWindow | undefined;
}

export interface TableDiff {
  readonly table: TableState;
  readonly before: TableSchema;
  readonly after: TableSchema;
  readonly insertedRows: number;
  readonly updatedRows: number;
  readonly deletedRows: number;
  /** All of them, however many: for a diff whose counts are known to be few. */
  all(): Promise<readonly RowChange[]>;
  /** A page that is read when the result is called; its arguments are checked at once. @throws EngineError CURSOR_INVALID, LIMIT_EXCEEDED */
  preparePage(args: PageArguments): () => Promise<ChangePage>;
  /** @throws EngineError CURSOR_INVALID, LIMIT_EXCEEDED */
  page(args: PageArguments): Promise<ChangePage>;
  /** Of the diff of a single commit: the changes of rows of later identities, however many are asked for. */
  pageAfterRow(size: number, row: number | undefined): Promise<ChangePage>;
}

interface DiffParts extends DiffSources {
  /** The incarnation of the database that cursors are of. */
  readonly incarnation: string;
}

/** A span, and what its one commit recorded of its change, where that has been looked up already. */
interface Part {
  readonly span: Span;
  readonly record: ChangeRecord | undefined;
}

export class Diffs {
  readonly #parts: DiffParts;

  constructor(parts: DiffParts) {
    this.#parts = parts;
  }

  /**
   * What became of a table's rows from one snapshot to another, which may be the earlier one: then what going back would do.
   * @throws EngineError SNAPSHOT_EXPIRED, BAD_USER_INPUT, COLUMN_NOT_FOUND, LIMIT_EXCEEDED and those of Scanner.scan
   */
  async diff(of: TableState, query: DiffQuery, options: QueryOptions): Promise<TableDiff> {
    const { mode = 'NET', from, to } = query;
    const back = from > to;
    if (back && mode === 'FULL')
      throw new EngineError('BAD_USER_INPUT', 'mode FULL goes forward in time: `from` is after `to`', {
        hint: 'Swap them, or use mode NET.',
      });
    const [after, upTo] = back ? [to, from] : [from, to];
    const table = tableById(this.#parts.current(), of.id);
    // What one commit did stands in its own record, also where the state before it has expired.
    const record = upTo === after + 1 ? recordAt(this.#parts, table, upTo) : undefined;
    requireKept(table, { after, upTo, mode, hasRecord: record !== undefined });
    const [before, now] = [columnsThen(table, query.schema, after), columnsThen(table, query.schema, upTo)];
    const span: Span = { table, after, upTo, before, now, window: query.window };
    const filter = query.where === undefined ? undefined : filterOn({ where: query.where, filterSchema: query.filterSchema }, span, back);
    const parts: Steps[] = [];
    let total = 0;
    for (const part of mode === 'NET' ? [{ span, record }] : await this.#commitParts({ span, record })) {
      const choice = { span: part.span, filter, kinds: query.kinds, back };
      const steps = await chosenSteps(this.#parts.matcher, await this.#changes(part, options), choice, options);
      total += steps.steps.length;
      if (total > LIMITS.endedRowsMax) throw limitExceeded('endedRowsMax', LIMITS.endedRowsMax, total, 'Narrow the range.');
      if (steps.steps.length > 0) parts.push(steps);
    }
    const count = (kind: ChangeKind): number =>
      parts.reduce((sum, { steps }) => sum + steps.filter((step) => step.kind === kind).length, 0);
    const counts = { INSERT: count('INSERT'), UPDATE: count('UPDATE'), DELETE: count('DELETE') };
    const list = { incarnation: this.#parts.incarnation, tableId: table.id, from, to, mode };
    const all = { parts, back, list };
    return {
      table,
      before: back ? now : before,
      after: back ? before : now,
      insertedRows: counts[back ? 'DELETE' : 'INSERT'],
      updatedRows: counts.UPDATE,
      deletedRows: counts[back ? 'INSERT' : 'DELETE'],
      all: () => allChanges(all),
      preparePage: (args) => preparePage(all, args),
      page: async (args) => preparePage(all, args)(),
      pageAfterRow: (size, row) => pageAfterRow(all, size, row),
    };
  }

  /** One part a snapshot of the table, each against the one before it. */
  async #commitParts({ span, record }: Part): Promise<Part[]> {
    const { history } = this.#parts;
    // Of one commit it is known at once: subscriptions ask for each new commit in this way.
    if (span.upTo === span.after + 1)
      return record === undefined && history.snapshot(span.table.id, span.upTo) === undefined ? [] : [{ span, record }];
    const range = { lo: asSnapshotId(span.after + 1), hi: span.upTo, descending: false, limit: LIMITS.diffSnapshotsMax + 1 };
    const snapshots = await history.snapshots(span.table.id, undefined, range);
    if (snapshots.length > LIMITS.diffSnapshotsMax)
      throw limitExceeded('diffSnapshotsMax', LIMITS.diffSnapshotsMax, snapshots.length, 'Narrow the range, or use mode NET.');
    return snapshots.map(({ snapshotId }) => ({
      span: { ...span, after: asSnapshotId(snapshotId - 1), upTo: snapshotId },
      record: undefined,
    }));
  }

  /** The net effect, by row identity: the cheapest way that can tell it. */
  async #changes({ span, record }: Part, options: QueryOptions): Promise<Steps> {
    const { table, after, upTo, window } = span;
    const own = window === undefined && upTo === after + 1 ? (record ?? recordAt(this.#parts, table, upTo)) : undefined;
    if (own !== undefined && !lacks(table, own, span.before)) return changesByRecord(this.#parts, span, own, options);
    const [first, last] = [await this.#existing(table, after), await this.#existing(table, upTo)];
    if (first !== undefined && last !== undefined) {
      if (first.snapshotId === last.snapshotId) return NOTHING;
      const folded = window === undefined ? await changesByFold(this.#parts, span, { first, last }, options) : undefined;
      if (folded !== undefined) return folded;
    }
    const end = last === undefined ? ((await this.#parts.history.snapshotAtOrBefore(table, upTo))?.snapshotId ?? upTo) : upTo;
    return changesByScan(this.#parts, span, { existed: first !== undefined, exists: last !== undefined, end }, options);
  }

  /** The table's snapshot at an instant; undefined where it did not exist. */
  async #existing(table: TableState, at: SnapshotId): Promise<Snapshot | undefined> {
    const snapshot = await this.#parts.history.snapshotAtOrBefore(table, at);
    return snapshot?.operation === 'DROP' ? undefined : snapshot;
  }

  /** How many rows a commit changed in a table, as it says itself. */
  rowsOf(table: TableState, snapshotId: SnapshotId): number {
    const snapshot = this.#parts.history.snapshot(table.id, snapshotId);
    return snapshot === undefined ? 0 : snapshot.insertedRows + snapshot.updatedRows + snapshot.deletedRows;
  }

  /** Past the identities of all rows that a table had had by a commit. */
  rowEndOf(table: TableState, snapshotId: SnapshotId): number {
    return this.#parts.history.snapshot(table.id, snapshotId)?.nextRow ?? 0;
  }
}

const NOTHING: Steps = { steps: [], read: async () => [] };

/** @throws EngineError SNAPSHOT_EXPIRED where what a diff needs of the history is gone */
function requireKept(
  table: TableState,
  asked: { readonly after: SnapshotId; readonly upTo: SnapshotId; readonly mode: 'NET' | 'FULL'; readonly hasRecord: boolean },
): void {
  const { after, upTo, mode, hasRecord } = asked;
  for (const at of hasRecord ? [upTo] : [after, upTo])
    if (at >= table.createdSnapshotId && !isKept(table, at)) throw snapshotExpired(table, at);
  if (mode === 'NET' || after + 1 >= table.kept.horizon || after < table.createdSnapshotId) return;
  const { code, details } = snapshotExpired(table, after);
  const steps = `steps of table ${table.name} between snapshots ${after} and ${table.kept.horizon} have expired`;
  throw new EngineError(code, steps, { details, hint: 'Use mode NET, or begin at details.availableFrom or later.' });
}
