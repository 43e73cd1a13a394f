/**
 * Diffs: what became of a table's rows between two instants. A small change comes from its commit's own record of it, so
 * that its cost follows the change and not the table; a large one from the versions that came and went.
 */
import { changesKey } from '../../catalog/keys.ts';
import { columnsOfVersion, isKept, schemaAt, snapshotExpired, type TableState, tableById } from '../../catalog/state.ts';
import type { QueryOptions } from '../../data/duckdb.ts';
import { findHotCommit } from '../../data/hot.ts';
import { type ChangeRecord, decodeChanges } from '../../encoding/change-record.ts';
import { EngineError } from '../../model/errors.ts';
import type { Snapshot } from '../../model/history.ts';
import { asRowId, asSnapshotId, type SnapshotId } from '../../model/ids.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';
import { mapCells } from '../../model/schema.ts';
import type { Cells, Column, TableSchema } from '../../model/types.ts';
import type { History } from '../history.ts';
import type { PageArguments } from '../pages/page.ts';
import { droppedBy, withoutDropped } from '../scan/dropped-columns.ts';
import { type CheckedFilter, checkFilter, type Filter } from '../scan/filter.ts';
import type { Matched, Matcher } from '../scan/match.ts';
import type { Row } from '../scan/row.ts';
import type { ScannerParts } from '../scan/scanner.ts';
import type { RowWindow, Visibility } from '../scan/visibility.ts';
import {
  type ChangeKind,
  type ChangePage,
  changesOf,
  encodeCursor,
  pageOf,
  REVERSED,
  type RowChange,
  type Step,
  type Steps,
} from './diff-page.ts';

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

/** Snapshots between two instants up to which their commits' own records are put together. */
const FOLDED_SNAPSHOTS_MAX = 200;
/** Rows up to which they are. */
const FOLDED_ROWS_MAX = 10_000;

interface Span {
  readonly table: TableState;
  readonly after: SnapshotId;
  readonly upTo: SnapshotId;
  readonly before: TableSchema;
  readonly now: TableSchema;
  readonly window: RowWindow | undefined;
  /** What its one commit recorded of its change, where that has been looked up already. */
  readonly own: ChangeRecord | undefined;
}

export interface DiffParts extends ScannerParts {
  readonly history: History;
  /** Which life of the database cursors are of. */
  readonly incarnation: string;
}

export class Diffs {
  readonly #parts: DiffParts;
  readonly #history: History;
  readonly #matcher: Matcher;

  constructor(parts: DiffParts, matcher: Matcher) {
    this.#parts = parts;
    this.#history = parts.history;
    this.#matcher = matcher;
  }

  /**
   * What became of a table's rows from one snapshot to another, which may be the earlier one: then what going back would do.
   * @throws EngineError SNAPSHOT_EXPIRED, BAD_USER_INPUT, COLUMN_NOT_FOUND, LIMIT_EXCEEDED and those of Scanner.scan
   */
  async diff(of: TableState, query: DiffQuery, options: QueryOptions): Promise<TableDiff> {
    const { mode = 'NET' } = query;
    const back = query.from > query.to;
    if (back && mode === 'FULL')
      throw new EngineError('BAD_USER_INPUT', 'mode FULL goes forward in time: `from` is after `to`', {
        hint: 'Swap them, or use mode NET.',
      });
    const [after, upTo] = back ? [query.to, query.from] : [query.from, query.to];
    const table = tableById(this.#parts.current(), of.id);
    // What one commit did stands in its own record, also where the state before it has expired.
    const own = upTo === after + 1 ? this.#ownRecord(table, upTo) : undefined;
    const alone = own !== undefined;
    for (const at of alone ? [upTo] : [after, upTo])
      if (at >= table.createdSnapshotId && !isKept(table, at)) throw snapshotExpired(table, at);
    if (mode === 'FULL' && after + 1 < table.kept.horizon && after >= table.createdSnapshotId) {
      const { code, details } = snapshotExpired(table, after);
      const steps = `steps of table ${table.name} between snapshots ${after} and ${table.kept.horizon} have expired`;
      throw new EngineError(code, steps, { details, hint: 'Use mode NET, or begin at details.availableFrom or later.' });
    }
    const span: Span = {
      table,
      after,
      upTo,
      before: columnsThen(table, query.schema, after),
      now: columnsThen(table, query.schema, upTo),
      window: query.window,
      own,
    };
    const filter = query.where === undefined ? undefined : filterOn(query, span, back);
    const parts = mode === 'NET' ? [span] : await this.#stepSpans(span);
    const all: Steps[] = [];
    let total = 0;
    for (const part of parts) {
      const steps = await this.#chosen(part, await this.#net(part, options), filter, query.kinds, back, options);
      total += steps.steps.length;
      if (total > LIMITS.endedRowsMax) throw limitExceeded('endedRowsMax', LIMITS.endedRowsMax, total, 'Narrow the range.');
      if (steps.steps.length > 0) all.push(steps);
    }
    const count = (kind: ChangeKind): number => all.reduce((sum, { steps }) => sum + steps.filter((step) => step.kind === kind).length, 0);
    const counts = { INSERT: count('INSERT'), UPDATE: count('UPDATE'), DELETE: count('DELETE') };
    const list = `${this.#parts.incarnation}.${table.id}.${query.from}.${query.to}.${mode}`;
    return {
      table,
      before: back ? span.now : span.before,
      after: back ? span.before : span.now,
      insertedRows: counts[back ? 'DELETE' : 'INSERT'],
      updatedRows: counts.UPDATE,
      deletedRows: counts[back ? 'INSERT' : 'DELETE'],
      all: () => changesOf(all, back),
      preparePage: (args) => pageOf(all, args, { back, list }),
      page: async (args) => pageOf(all, args, { back, list })(),
      pageAfterRow: (size, row) => pageOf(all, { after: row === undefined ? null : encodeCursor(list, 0, row) }, { back, list, size })(),
    };
  }

  /** One span a snapshot of the table, each against the one before it. */
  async #stepSpans(span: Span): Promise<Span[]> {
    // Of one commit it is known at once: this is how each new commit is told to those who watch.
    if (span.upTo === span.after + 1)
      return span.own === undefined && this.#history.snapshot(span.table.id, span.upTo) === undefined ? [] : [span];
    const range = { lo: asSnapshotId(span.after + 1), hi: span.upTo, descending: false, limit: LIMITS.diffSnapshotsMax + 1 };
    const snapshots = await this.#history.snapshots(span.table.id, undefined, range);
    if (snapshots.length > LIMITS.diffSnapshotsMax)
      throw limitExceeded('diffSnapshotsMax', LIMITS.diffSnapshotsMax, snapshots.length, 'Narrow the range, or use mode NET.');
    return snapshots.map(({ snapshotId }) => ({
      ...span,
      after: asSnapshotId(snapshotId - 1),
      upTo: snapshotId,
      own: undefined,
    }));
  }

  /** The net effect, by row identity. */
  async #net(span: Span, options: QueryOptions): Promise<Steps> {
    const { table, after, upTo } = span;
    const own = span.window === undefined && upTo === after + 1 ? (span.own ?? this.#ownRecord(table, upTo)) : undefined;
    if (own !== undefined && !lacks(table, own, span.before)) return this.#single(span, own, options);
    const [first, last] = [await this.#existing(table, after), await this.#existing(table, upTo)];
    if (first !== undefined && last !== undefined && first.snapshotId === last.snapshotId) return NOTHING;
    const folded =
      first === undefined || last === undefined || span.window !== undefined ? undefined : await this.#fold(span, first, last, options);
    const end = last === undefined ? ((await this.#history.snapshotAtOrBefore(table, upTo))?.snapshotId ?? upTo) : upTo;
    return folded ?? this.#scan(span, { existed: first !== undefined, exists: last !== undefined, end }, options);
  }

  /** The table's snapshot at an instant; undefined where it did not exist. */
  async #existing(table: TableState, at: SnapshotId): Promise<Snapshot | undefined> {
    const snapshot = await this.#history.snapshotAtOrBefore(table, at);
    return snapshot?.operation === 'DROP' ? undefined : snapshot;
  }

  /** Puts the commits' own records together; undefined where one of them has none, or they are too many. */
  async #fold(span: Span, first: Snapshot, last: Snapshot, options: QueryOptions): Promise<Steps | undefined> {
    const { table, after, upTo } = span;
    if (after < table.kept.horizon || last.nextRow - first.nextRow > FOLDED_ROWS_MAX) return undefined;
    const range = { lo: asSnapshotId(after + 1), hi: upTo, descending: false, limit: FOLDED_SNAPSHOTS_MAX + 1 };
    const snapshots = await this.#history.snapshots(table.id, undefined, range);
    if (snapshots.length > FOLDED_SNAPSHOTS_MAX) return undefined;
    const touched = new Map<number, { before: Row | undefined; after: Row | undefined; at: SnapshotId }>();
    for (const snapshot of snapshots) {
      const record = this.recordOf(table, snapshot);
      if (record === undefined) return undefined;
      const columns = columnsOfVersion(table, record.schemaVersion);
      if (lacks(table, record, span.before)) return undefined;
      const [old, now] = [mapCells(columns, span.before.columns), mapCells(columns, span.now.columns)];
      for (const { row, from, before, after: later } of record.rows) {
        // Rows that came since are read as they are in the end.
        if (row >= first.nextRow) continue;
        const known = touched.get(row);
        const was = before === null ? undefined : rowOf(row, from, old(before));
        const is = later === null ? undefined : rowOf(row, snapshot.snapshotId, now(later));
        touched.set(row, { before: known === undefined ? was : known.before, after: is, at: snapshot.snapshotId });
      }
      if (touched.size > FOLDED_ROWS_MAX) return undefined;
    }
    const steps: Step[] = [];
    for (const [row, { before, after: is, at }] of touched) {
      if (before === undefined && is === undefined) continue;
      steps.push({
        kind: before === undefined ? 'INSERT' : is === undefined ? 'DELETE' : 'UPDATE',
        row,
        snapshotId: at,
        before,
        after: is,
      });
    }
    for (const matched of await this.#newRows(span, first.nextRow, last.nextRow, options)) {
      steps.push({ kind: 'INSERT', row: matched.row, snapshotId: matched.from, after: rowOf(matched.row, matched.from, matched.cells) });
    }
    steps.sort((left, right) => left.row - right.row);
    return { steps, read: async (some) => some.map(known) };
  }

  /** What a commit recorded of its change of a table; undefined where it did not touch it, or the change was large. */
  #ownRecord(table: TableState, snapshotId: SnapshotId): ChangeRecord | undefined {
    const snapshot = this.#history.snapshot(table.id, snapshotId);
    const record = snapshot === undefined ? undefined : this.recordOf(table, snapshot);
    return record === undefined || record.newRows > FOLDED_ROWS_MAX ? undefined : record;
  }

  async #single(span: Span, { schemaVersion, rowBase, newRows, rows }: ChangeRecord, options: QueryOptions): Promise<Steps> {
    const columns = columnsOfVersion(span.table, schemaVersion);
    const [old, now] = [mapCells(columns, span.before.columns), mapCells(columns, span.now.columns)];
    const steps = rows.map(({ row, from, before, after }): Step => {
      const kind = before === null ? 'INSERT' : after === null ? 'DELETE' : 'UPDATE';
      const [was, is] = [
        before === null ? undefined : rowOf(row, from, old(before)),
        after === null ? undefined : rowOf(row, span.upTo, now(after)),
      ];
      return { kind, row, snapshotId: span.upTo, before: was, after: is };
    });
    for (const { row, from, cells } of await this.#newRows(span, rowBase, rowBase + newRows, options))
      steps.push({ kind: 'INSERT', row, snapshotId: span.upTo, after: rowOf(row, from, cells) });
    return { steps, read: async (some) => some.map(known) };
  }

  async #newRows(
    { table, after, upTo, now }: Span,
    lo: number,
    hi: number,
    options: QueryOptions,
  ): Promise<Pick<Matched, 'row' | 'from' | 'cells'>[]> {
    if (lo === hi) return [];
    // What one small commit brought lies together in the catalog until it is flushed.
    const hot = upTo === after + 1 ? findHotCommit(this.#parts.store, table, upTo) : undefined;
    if (hot !== undefined) {
      const map = mapCells(columnsOfVersion(table, hot.schemaVersion), now.columns);
      return hot.rows.flatMap((cells, at) => {
        const row = hot.rowIds[at] as number;
        return row < lo || row >= hi ? [] : [{ row, from: upTo, cells: map(cells) }];
      });
    }
    const window = { lo, hi };
    const visibility: Visibility = { kind: 'created', after, upTo };
    return this.#pinned(table, (pinned) =>
      this.#matcher.match(pinned, visibility, { filter: undefined, columns: now.columns, window }, options),
    );
  }

  /** How many rows a commit changed in a table, as it says itself. */
  rowsOf(table: TableState, snapshotId: SnapshotId): number {
    const snapshot = this.#history.snapshot(table.id, snapshotId);
    return snapshot === undefined ? 0 : snapshot.insertedRows + snapshot.updatedRows + snapshot.deletedRows;
  }

  /** Past the identities of all rows that a table had had by a commit. */
  rowEndOf(table: TableState, snapshotId: SnapshotId): number {
    return this.#history.snapshot(table.id, snapshotId)?.nextRow ?? 0;
  }

  /** What a commit recorded of its change; undefined where it was too large. */
  recordOf(table: TableState, snapshot: Snapshot): ChangeRecord | undefined {
    const bytes = this.#parts.store.get(changesKey(table.id, snapshot.snapshotId));
    if (bytes !== undefined) return decodeChanges(bytes, (version) => columnsOfVersion(table, version));
    // A commit that ended nothing needs no record: its new rows are told by their identities.
    if (snapshot.updatedRows + snapshot.deletedRows > 0 || snapshot.operation === 'RESTORE' || snapshot.operation === 'ERASE')
      return undefined;
    const { schemaVersion, nextRow, insertedRows } = snapshot;
    return { schemaVersion, rowBase: nextRow - insertedRows, newRows: insertedRows, rows: [] };
  }

  /** The versions that came and went, as numbers; their values are read for those that are asked for. `end`: what ended the table. */
  async #scan(
    span: Span,
    { existed, exists, end }: { readonly existed: boolean; readonly exists: boolean; readonly end: SnapshotId },
    options: QueryOptions,
  ): Promise<Steps> {
    const { table, after, upTo } = span;
    const cameIn: Visibility = existed ? { kind: 'created', after, upTo } : { kind: 'visible', at: upTo };
    const wentIn: Visibility = exists ? { kind: 'deleted', after, upTo } : { kind: 'visible', at: after };
    const numbers = async (visibility: Visibility, filter?: CheckedFilter): Promise<[number, number][]> => {
      const files = await this.#pinned(table, (pinned) =>
        this.#matcher.matchMany(pinned, visibility, { filter, columns: [], window: span.window }, options),
      );
      return files.flatMap(({ rows, froms }) => Array.from(rows, (row, index): [number, number] => [row, froms[index] as number]));
    };
    const came = new Map(exists ? await numbers(cameIn) : []);
    const went = new Map(existed ? await numbers(wentIn) : []);
    const steps: Step[] = [];
    for (const [row, from] of came) steps.push({ kind: went.has(row) ? 'UPDATE' : 'INSERT', row, snapshotId: asSnapshotId(from) });
    const single = span.upTo === span.after + 1;
    for (const row of went.keys()) {
      // Which commit deleted it is known without looking where there is but one.
      if (!came.has(row)) steps.push({ kind: 'DELETE', row, snapshotId: single ? upTo : asSnapshotId(0) });
    }
    steps.sort((left, right) => left.row - right.row);
    const read = async (some: readonly Step[]): Promise<RowChange[]> => {
      const rows = some.map((step) => step.row);
      const fetch = async (
        visibility: Visibility,
        schema: TableSchema,
      ): Promise<Map<number, Row & { readonly to: SnapshotId | undefined }>> => {
        const found = await this.#pinned(table, (pinned) => this.#matcher.rows(pinned, visibility, rows, schema.columns, options));
        return new Map(found.map((matched) => [matched.row, { ...rowOf(matched.row, matched.from, matched.cells), to: matched.to }]));
      };
      const is = exists ? await fetch(cameIn, span.now) : new Map<number, Row>();
      const was = existed ? await fetch(wentIn, span.before) : new Map<number, Row & { readonly to: SnapshotId | undefined }>();
      const endings = await this.#lastEnds(span, some, end, options);
      return some.map((step) => {
        const before = was.get(step.row);
        const ended = endings.get(step.row) ?? end;
        return known({ ...step, snapshotId: step.snapshotId === 0 ? ended : step.snapshotId, before, after: is.get(step.row) });
      });
    };
    const matching = async (filter: CheckedFilter): Promise<ReadonlySet<number>> => {
      const found = [...(exists ? await numbers(cameIn, filter) : []), ...(existed ? await numbers(wentIn, filter) : [])];
      return new Set(found.map(([row]) => row));
    };
    return { steps, read, matching: span.window === undefined ? undefined : matching };
  }

  /** Commits that brought a dropped table back, and those that had dropped it: what did not come back went with the table. */
  async #cameBack(table: TableState, after: SnapshotId, upTo: SnapshotId): Promise<Map<SnapshotId, SnapshotId>> {
    const range = { lo: asSnapshotId(after + 1), hi: upTo, descending: false, limit: LIMITS.diffSnapshotsMax };
    const pairs = new Map<SnapshotId, SnapshotId>();
    for (const { snapshotId } of await this.#history.snapshots(table.id, 'DROP', range)) {
      const [next] = await this.#history.snapshots(table.id, undefined, { ...range, lo: asSnapshotId(snapshotId + 1), limit: 1 });
      if (next !== undefined) pairs.set(next.snapshotId, snapshotId);
    }
    return pairs;
  }

  /** The commit that deleted each row, or dropped the table with it: the last that ended a version of it. */
  async #lastEnds(
    { table, after, upTo }: Span,
    steps: readonly Step[],
    end: SnapshotId,
    options: QueryOptions,
  ): Promise<Map<number, SnapshotId>> {
    const rows = steps.filter(({ kind, snapshotId }) => kind === 'DELETE' && snapshotId === 0).map(({ row }) => row);
    const visibility: Visibility = { kind: 'all', upTo };
    const versions = await this.#pinned(table, (pinned) => this.#matcher.rows(pinned, visibility, rows, [], options));
    const cameBack = rows.length === 0 ? new Map<SnapshotId, SnapshotId>() : await this.#cameBack(table, after, upTo);
    const ends = new Map<number, SnapshotId>();
    for (const { row, to } of versions) {
      const last = to !== undefined && to <= upTo ? to : end;
      // Below the horizon not all ends are known any more: these count as of the horizon.
      const found = cameBack.get(last) ?? last;
      const at = after < table.kept.horizon ? Math.max(found, table.kept.horizon) : found;
      ends.set(row, asSnapshotId(Math.max(ends.get(row) ?? 0, at)));
    }
    return ends;
  }

  /** The steps of the kinds that are asked for whose row matches before or after. */
  async #chosen(
    span: Span,
    all: Steps,
    filter: FilterOn | undefined,
    kinds: readonly ChangeKind[] | undefined,
    back: boolean,
    options: QueryOptions,
  ): Promise<Steps> {
    const wanted = kinds === undefined ? all.steps : all.steps.filter(({ kind }) => kinds.includes(back ? REVERSED[kind] : kind));
    if (filter === undefined || wanted.length === 0) return { steps: wanted, read: all.read };
    if (all.matching !== undefined) {
      const rows = await all.matching(filter.checked);
      return { steps: wanted.filter((step) => rows.has(step.row)), read: all.read };
    }
    const matching = new Set<number>();
    for (let start = 0; start < wanted.length; start += FOLDED_ROWS_MAX) {
      const some = await all.read(wanted.slice(start, start + FOLDED_ROWS_MAX));
      for (const [side, schema] of [
        ['before', span.before],
        ['after', span.now],
      ] as const) {
        const rows = some.flatMap((change) => (change[side] === null ? [] : [change[side]]));
        const map = mapCells(schema.columns, filter.columns);
        const versions = rows.map((row) => ({ row: row.rowId, from: row.fromSnapshotId, cells: map(row.cells) }));
        for (const at of await this.#matcher.matchCells(filter.columns, versions, filter.checked, options))
          matching.add((rows[at] as Row).rowId);
      }
    }
    return { steps: wanted.filter((step) => matching.has(step.row)), read: all.read };
  }

  async #pinned<T>(table: TableState, work: (table: TableState) => Promise<T>): Promise<T> {
    const state = this.#parts.current();
    const pin = this.#parts.pins.pin(state.logIndex);
    try {
      return await work(tableById(state, table.id));
    } finally {
      pin.release();
    }
  }
}

const NOTHING: Steps = { steps: [], read: async () => [] };

/**
 * Whether the columns of a record lack one that is asked for, since it had been dropped before: then the record does not
 * tell what the rows were. One that came later is no lack: it reads as its default.
 */
function lacks(table: TableState, { schemaVersion, rows }: ChangeRecord, { columns: wanted }: TableSchema): boolean {
  if (rows.length === 0) return false;
  return wanted.some(droppedBy(table, { version: schemaVersion, columns: columnsOfVersion(table, schemaVersion) }));
}

/** A filter, and the columns that it is checked on: by identity, so that it fits rows of either side. */
interface FilterOn {
  readonly checked: CheckedFilter;
  readonly columns: readonly Column[];
}

function filterOn({ where, filterSchema }: DiffQuery, span: Span, back: boolean): FilterOn {
  const later = back ? span.before : span.now;
  const schema = filterSchema === undefined ? later : columnsThen(span.table, filterSchema, back ? span.after : span.upTo);
  return { checked: checkFilter(schema, where as Filter), columns: schema.columns };
}

/** The columns of a diff's rows on one side: those of then, or those that are asked for as they were then. */
function columnsThen(table: TableState, asked: TableSchema | undefined, snapshotId: SnapshotId): TableSchema {
  const then = schemaAt(table, snapshotId);
  return asked === undefined ? then : withoutDropped(table, asked, then);
}

function rowOf(row: number, from: number, cells: Cells): Row {
  return { rowId: asRowId(row), fromSnapshotId: asSnapshotId(from), cells };
}

function known({ kind, row, snapshotId, before, after }: Step): RowChange {
  return { kind, snapshotId, rowId: row, before: before ?? null, after: after ?? null };
}
