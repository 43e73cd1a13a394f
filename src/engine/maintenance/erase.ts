/**
 * erase: rows taken out of every snapshot, physically, for the right to be forgotten. Files and catalog records that hold
 * any version of them are written anew without them, hashes over them are replaced, and the old bytes are removed from
 * disk before the caller is answered. What remains is a commit that says when, by whom, why and how many, but not what.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { changesKey, hotKey, idempotencyAgeKey, idempotencyKey, primaryKeyKey, snapshotKey } from '../catalog/keys.ts';
import { decodeIdempotency, decodeIdempotencyAge, ERASED_CONTENT, encodeIdempotency, encodeSnapshot } from '../catalog/records.ts';
import { columnsOfVersion, type TableState, tableById } from '../catalog/state.ts';
import { checkExpected, checkNothing } from '../commit/expectations.ts';
import type { CheckedOptions } from '../commit/write/options.ts';
import { commitEntry } from '../commit/write/prepare.ts';
import { fromDuck } from '../data/cells.ts';
import { decodeHotCommit, encodeHotCommit } from '../data/hot.ts';
import { ByteWriter } from '../encoding/bytes.ts';
import { decodeChanges, encodeChanges } from '../encoding/change-record.ts';
import { encodeHotRows } from '../encoding/codec.ts';
import { hashKey, keyColumns } from '../encoding/key-hash.ts';
import { newSeed, RootBuilder } from '../encoding/proof.ts';
import type { EraseChange, ErasedSpan, NewFile, Outcome } from '../log/entry.ts';
import { EngineError } from '../model/errors.ts';
import { type DataFile, HOT, type ReplacedRoot, type RowsProof } from '../model/history.ts';
import { asSnapshotId, type FileId, type SnapshotId } from '../model/ids.ts';
import { LIMITS, limitExceeded } from '../model/limits.ts';
import { mapCells } from '../model/schema.ts';
import type { Cells } from '../model/types.ts';
import { type CheckedFilter, checkFilter, type Filter, withFilterColumns } from '../read/scan/filter.ts';
import type { Matcher } from '../read/scan/match.ts';
import { rowIsAmong } from '../read/scan/rows-sql.ts';
import { joinSql, nameOf, sql, where } from '../read/scan/sql.ts';
import { type AuditParts, commitRoot } from './audit.ts';
import { rootAt, schemaOf } from './expire.ts';
import { namedOrRemoved } from './named-files.ts';
import { noteFiles, observed, type Tally } from './observed.ts';
import { writeVersions } from './rewrite.ts';

export interface EraseParts extends AuditParts {
  readonly matcher: Matcher;
}

/** Which rows to erase. */
export interface EraseRequest {
  readonly table: string;
  readonly where: Filter;
  readonly reason: string;
}

export interface Erased {
  readonly outcome: Outcome | undefined;
  readonly erasedRows: number;
  readonly erasedVersions: number;
}

/** An erasure that is in the log, with the files that it took and those that it left. */
interface Logged extends Erased {
  readonly retired: readonly DataFile[];
  readonly outputs: readonly NewFile[];
}

/** A version that goes. */
interface Version {
  readonly row: number;
  readonly from: SnapshotId;
  /** Null while it lives. */
  readonly to: SnapshotId | null;
  readonly fileId: FileId;
}

/**
 * With no maintenance under way: the table is held while the files are written anew and the entry is logged, and no longer.
 * An idempotency key is not used: to erase again what was erased finds nothing.
 */
export function eraseRows(parts: EraseParts, table: TableState, request: EraseRequest, options: CheckedOptions): Promise<Erased> {
  return observed(parts.observer, 'erase', async (tally) => {
    const current = (): TableState => tableById(parts.current(), table.id);
    const outputs: NewFile[] = [];
    const logged = await parts.tableLocks.exclusive([table.id], () =>
      namedOrRemoved(parts, table.id, outputs, () => logErasure(parts, current(), request, { options, outputs })),
    );
    if (logged.outcome?.kind === 'committed') await removeBytes(parts, table, logged.retired);
    note(tally, logged);
    return logged;
  });
}

function note(tally: Tally, { outcome, erasedRows, retired, outputs }: Logged): void {
  if (outcome?.kind === 'refused') tally.outcome = 'refused';
  tally.rows = erasedRows;
  noteFiles(tally, retired, outputs);
}

async function logErasure(
  parts: EraseParts,
  table: TableState,
  request: EraseRequest,
  { options, outputs }: { readonly options: CheckedOptions; readonly outputs: NewFile[] },
): Promise<Logged> {
  checkExpected(table, options);
  const filter = checkFilter(table.schema, request.where);
  const rows = await matchingRows(parts, table, filter);
  if (rows.length === 0) checkNothing([], options);
  if (rows.length === 0) return { outcome: undefined, erasedRows: 0, erasedVersions: 0, retired: [], outputs: [] };
  const state = parts.current();
  const pin = parts.pins.pin(state.logIndex);
  let change: EraseChange;
  let versions: readonly Version[];
  let retired: readonly DataFile[];
  try {
    versions = await versionsOf(parts, table, rows);
    const inputs = new Set(versions.map(({ fileId }) => fileId).filter((fileId) => fileId !== HOT));
    retired = table.files.filter((file) => inputs.has(file.fileId));
    change = await prepare(parts, table, { rows, versions, retired, head: state.snapshotId }, outputs);
  } finally {
    pin.release();
  }
  const facts = { erasedRows: rows.length, erasedVersions: versions.length };
  const said = { ...options, idempotencyKey: null, message: request.reason, properties: JSON.stringify(facts) };
  // LevelDB drops a replaced record only where it merges two tables: the old ones must lie in one before the new ones come.
  await parts.store.compactAll();
  const outcome = await parts.log.append(commitEntry([change], said, '', 4096));
  return { outcome, ...facts, retired, outputs };
}

/** Identities of the rows of which any version matches, ascending. */
async function matchingRows(parts: EraseParts, table: TableState, filter: CheckedFilter): Promise<Float64Array> {
  const found = await parts.scanner.scan(
    {
      tableId: table.id,
      visibility: { kind: 'all', upTo: parts.current().snapshotId },
      filter,
      columns: withFilterColumns([], filter),
      hidden: 'full',
      statement: (relation, matching) => sql`SELECT DISTINCT _row FROM ${relation}${where(matching)} ORDER BY _row`,
    },
    {},
  );
  if (found.length > LIMITS.erasedRowsMax)
    throw limitExceeded('erasedRowsMax', LIMITS.erasedRowsMax, found.length, 'Erase the rows in several calls, each of fewer.');
  const rows = new Set(found.map(([row]) => Number(row)));
  for (const row of await recordedRows(parts, table, filter)) rows.add(row);
  return Float64Array.from(rows).sort();
}

/** Snapshots whose records of changes show versions that are stored nowhere else any more. */
const oldestRecords = ({ kept }: TableState): SnapshotId[] =>
  kept.horizon === 0 ? [] : [...kept.held.map(({ from }) => from), kept.horizon];

/** Rows that match as the oldest commits that are kept found them. */
async function recordedRows(parts: EraseParts, table: TableState, filter: CheckedFilter): Promise<number[]> {
  const rows: number[] = [];
  for (const snapshotId of oldestRecords(table)) {
    const stored = parts.store.get(changesKey(table.id, snapshotId));
    if (stored === undefined) continue;
    const record = decodeChanges(stored, (version) => columnsOfVersion(table, version));
    const changed = record.rows.filter(({ before }) => before !== null);
    const map = mapCells(columnsOfVersion(table, record.schemaVersion), table.schema.columns);
    const versions = changed.map(({ row, from, before }) => ({ row, from, cells: map(before as Cells) }));
    for (const at of await parts.matcher.matchCells(table.schema.columns, versions, filter, {})) rows.push(changed[at]?.row as number);
  }
  return rows;
}

async function versionsOf(parts: EraseParts, table: TableState, rows: Float64Array): Promise<Version[]> {
  const found = await parts.scanner.scan(
    {
      tableId: table.id,
      visibility: { kind: 'all', upTo: parts.current().snapshotId },
      window: { lo: rows[0] as number, hi: (rows.at(-1) as number) + 1 },
      columns: [],
      hidden: 'full',
      statement: (relation) => sql`SELECT _row, _from, _to, _file FROM ${relation} WHERE ${rowIsAmong(rows)}`,
    },
    {},
  );
  return found.map(([row, from, to, file]) => ({
    row: Number(row),
    from: asSnapshotId(Number(from)),
    to: to === null || to === undefined ? null : asSnapshotId(Number(to)),
    fileId: Number(file) as FileId,
  }));
}

interface Found {
  readonly rows: Float64Array;
  readonly versions: readonly Version[];
  readonly retired: readonly DataFile[];
  readonly head: SnapshotId;
}

async function prepare(
  parts: EraseParts,
  table: TableState,
  { rows, versions, retired, head }: Found,
  outputs: NewFile[],
): Promise<EraseChange> {
  for (const file of retired) {
    const sources = { files: [file], mirrors: [], schemaVersion: file.schemaVersion, without: rows };
    outputs.push(...(await writeVersions(parts, table, sources, head)).outputs);
  }
  const gone = new Set(rows);
  const touched = new Set<SnapshotId>();
  for (const { from, to } of versions) {
    touched.add(from);
    if (to !== null) touched.add(to);
  }
  const rewritten: { key: Buffer; value: Buffer | null }[] = [];
  const hot = { rows: 0, bytes: 0, versions: 0 };
  const replaced: ReplacedRoot[] = [];
  for (const snapshotId of [...touched].sort((left, right) => left - right)) {
    rewriteHot(parts, table, { snapshotId, gone, rewritten, hot });
    rewriteChanges(parts, table, { snapshotId, gone, rewritten });
    forgetContent(parts, snapshotId, rewritten);
    const snapshot = parts.history.snapshot(table.id, snapshotId);
    if (snapshot === undefined || snapshotId < table.kept.horizon) continue;
    const root = new RootBuilder(newSeed(), columnsOfVersion(table, snapshot.schemaVersion));
    const proof = await commitRoot(parts, table, snapshot, root, rows);
    rewritten.push({ key: snapshotKey(table.id, snapshotId), value: encodeSnapshot({ ...snapshot, proof }) });
    replaced.push({ tableId: table.id, snapshotId, of: 'commit', root: proof.root });
  }
  for (const snapshotId of oldestRecords(table))
    if (!touched.has(snapshotId)) rewriteChanges(parts, table, { snapshotId, gone, rewritten });
  rewritten.push(...(await keysOf(parts, table, rows)));
  const checkpoints = await newCheckpoints(parts, table, versions, rows, replaced);
  const living = versions.filter(({ to }) => to === null);
  const proof: RowsProof = new RootBuilder(newSeed(), table.schema.columns).finish();
  return {
    kind: 'erase',
    tableId: table.id,
    schemaVersion: table.schema.version,
    base: { snapshotId: table.last.snapshotId, filesEpoch: table.filesEpoch },
    livingRows: living.length,
    inputs: retired.map((file) => file.fileId),
    outputs,
    rows,
    rewritten,
    hot,
    replaced,
    checkpoints,
    erased: corrections(versions),
    proof,
  };
}

interface Rewriting {
  readonly snapshotId: SnapshotId;
  readonly gone: ReadonlySet<number>;
  readonly rewritten: { key: Buffer; value: Buffer | null }[];
}

/** The record of a small commit without the rows; what is left of it says each row's identity. */
function rewriteHot(
  { store }: EraseParts,
  table: TableState,
  { snapshotId, gone, rewritten, hot }: Rewriting & { readonly hot: { rows: number; bytes: number; versions: number } },
): void {
  const key = hotKey(table.id, snapshotId);
  const stored = store.get(key);
  if (stored === undefined) return;
  const commit = decodeHotCommit(table, snapshotId, stored);
  const kept = [...commit.rows.keys()].filter((index) => !gone.has(commit.rowIds[index] as number));
  if (kept.length === commit.rows.length) return;
  const schema = { version: commit.schemaVersion, columns: columnsOfVersion(table, commit.schemaVersion) };
  const rows = kept.map((index) => commit.rows[index] as Cells);
  const bytes = encodeHotRows(schema, rows, Number.MAX_SAFE_INTEGER) as Buffer;
  const value =
    kept.length === 0
      ? null
      : encodeHotCommit(
          commit.rowBase,
          0,
          kept.map((index) => commit.rowIds[index] as number),
          bytes,
        );
  rewritten.push({ key, value });
  if (snapshotId <= table.hotFloor) return;
  const before = encodeHotRows(schema, commit.rows, Number.MAX_SAFE_INTEGER) as Buffer;
  hot.rows += commit.rows.length - kept.length;
  hot.bytes += before.length - (kept.length === 0 ? 0 : bytes.length);
  hot.versions += commit.rowIds.filter((row) => row < commit.rowBase && gone.has(row)).length;
}

function rewriteChanges({ store }: EraseParts, table: TableState, { snapshotId, gone, rewritten }: Rewriting): void {
  const key = changesKey(table.id, snapshotId);
  const stored = store.get(key);
  if (stored === undefined) return;
  const record = decodeChanges(stored, (version) => columnsOfVersion(table, version));
  const rows = record.rows.filter(({ row }) => !gone.has(row));
  if (rows.length === record.rows.length) return;
  const columns = columnsOfVersion(table, record.schemaVersion);
  const body = encodeChanges({ ...record, rows }, columns, Number.MAX_SAFE_INTEGER) as Buffer;
  rewritten.push({ key, value: new ByteWriter(8 + body.length).varint(record.rowBase).raw(body).finish() });
}

/** The hash of what a commit with an idempotency key brought goes: a short row could be guessed back from it. */
function forgetContent({ store }: EraseParts, snapshotId: SnapshotId, rewritten: Rewriting['rewritten']): void {
  const age = store.get(idempotencyAgeKey(snapshotId));
  if (age === undefined) return;
  const key = idempotencyKey(decodeIdempotencyAge(age).hash);
  const stored = store.get(key);
  if (stored === undefined) return;
  const record = decodeIdempotency(stored);
  if (record.snapshotId === snapshotId) rewritten.push({ key, value: encodeIdempotency({ ...record, content: ERASED_CONTENT }) });
}

/** The rows' entries in the key index. */
async function keysOf(parts: EraseParts, table: TableState, rows: Float64Array): Promise<{ key: Buffer; value: null }[]> {
  const keys = keyColumns(table.schema);
  if (keys.length === 0) return [];
  const columns = keys.map(({ column }) => column);
  const found = await parts.scanner.scan(
    {
      tableId: table.id,
      visibility: { kind: 'visible', at: table.last.snapshotId },
      columns,
      hidden: 'version',
      statement: (relation) => sql`SELECT ${joinSql(columns.map(nameOf))} FROM ${relation} WHERE ${rowIsAmong(rows)}`,
    },
    {},
  );
  return found.map((row) => {
    const hash = hashKey(keys, (key, at) => fromDuck(key.column, row[at] ?? null));
    return { key: primaryKeyKey(table.id, hash), value: null };
  });
}

/** Roots over the oldest states that are kept, where the rows were part of them. */
async function newCheckpoints(
  parts: EraseParts,
  table: TableState,
  versions: readonly Version[],
  rows: Float64Array,
  replaced: ReplacedRoot[],
): Promise<EraseChange['checkpoints']> {
  const checkpoints: EraseChange['checkpoints'][number][] = [];
  for (const checkpoint of table.kept.checkpoints) {
    const { at } = checkpoint;
    if (!versions.some(({ from, to }) => from <= at && (to === null || to > at))) {
      checkpoints.push(checkpoint);
      continue;
    }
    const root = new RootBuilder(newSeed(), schemaOf(parts, table, at));
    const proof = await rootAt(parts, table, at, root, rows);
    checkpoints.push({ at, ...proof });
    replaced.push({ tableId: table.id, snapshotId: at, of: 'checkpoint', root: proof.root });
  }
  return checkpoints;
}

function corrections(versions: readonly Version[]): ErasedSpan[] {
  const counts = new Map<string, ErasedSpan>();
  for (const { from, to } of versions) {
    const key = `${from}:${to}`;
    counts.set(key, { from, to, rows: (counts.get(key)?.rows ?? 0) + 1 });
  }
  return [...counts.values()];
}

/** Takes the old bytes off the disk: files, memory copies, and what LevelDB still has of the old records. */
async function removeBytes(parts: EraseParts, table: TableState, retired: readonly DataFile[]): Promise<void> {
  const after = parts.current();
  const { store, copies, endMirrors, files } = parts;
  // Once when the erasure was published, and once more when nobody reads the state before it: readers of that may have made new copies.
  await new Promise<void>((resolve, reject) => {
    parts.pins.retire(after.logIndex, () => {
      const forgotten = copies.forget(table.id);
      endMirrors.retire(table.id, tableById(after, table.id).endsEpoch);
      // Records that a flush took over before wait for their removal no longer.
      const flushed = store.clear({ gt: hotKey(table.id, asSnapshotId(0)), lte: hotKey(table.id, table.hotFloor) });
      Promise.all([forgotten, flushed, ...retired.map((file) => files.remove(file))]).then(() => resolve(), reject);
    });
  });
  // The first moves the new records into a table, the second merges what is left of the old ones with it.
  await store.compactAll();
  await store.compactAll();
  rmSync(join(parts.dataDirectory, 'damaged'), { recursive: true, force: true });
}

/** @throws EngineError BAD_USER_INPUT, LIMIT_EXCEEDED */
export function checkReason(reason: string): void {
  if (reason.trim() === '')
    throw new EngineError('BAD_USER_INPUT', 'reason is empty: say why the rows are erased, without saying what they were', {
      hint: 'A ticket number will do.',
    });
  if (reason.length > LIMITS.messageLengthMax)
    throw limitExceeded('messageLengthMax', LIMITS.messageLengthMax, reason.length, 'Shorten the reason.');
}
