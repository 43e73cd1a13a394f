/**
 * audit: recomputes the hashes that the chain vouches for from what is stored (docs/audit.md): each link over its commit's
 * record, each root over the rows that are in files and hot records now, each checkpoint over the state it stands for.
 */
import { ChainLinks } from '../catalog/chain.ts';
import { commitKey } from '../catalog/keys.ts';
import { decodeCommit, definitionHash } from '../catalog/records.ts';
import { columnsOfVersion, type TableState, tableById, tablesOf } from '../catalog/state.ts';
import { fromDuck } from '../data/cells.ts';
import { nextTurn } from '../data/load-rows.ts';
import { ROWS_PER_TURN, WINDOW_ROWS, windowsBelow } from '../data/windows.ts';
import { type EndedVersions, RootBuilder } from '../encoding/proof.ts';
import type { RowsProof, Snapshot } from '../model/history.ts';
import { asSnapshotId, type SnapshotId, type TableId } from '../model/ids.ts';
import type { Column } from '../model/types.ts';
import { rowIsNotAmong } from '../read/scan/rows-sql.ts';
import { joinSql, literal, nameOf, sql, where } from '../read/scan/sql.ts';
import type { RowWindow } from '../read/scan/visibility.ts';
import { type ExpireParts, rootAt, schemaOf } from './expire.ts';

export type AuditParts = ExpireParts;

export interface AuditReport {
  readonly rows: number;
  readonly firstBadCommit: SnapshotId | null;
  readonly findings: readonly string[];
}

/** The root over what one commit brought to and ended in a table, of what is stored of it now. */
export async function commitRoot(
  parts: AuditParts,
  table: TableState,
  snapshot: Snapshot,
  root: RootBuilder,
  without?: Float64Array,
): Promise<RowsProof> {
  const columns = columnsOfVersion(table, snapshot.schemaVersion);
  const many = snapshot.insertedRows + snapshot.updatedRows > WINDOW_ROWS;
  for (const window of many ? windowsBelow(snapshot.nextRow) : [undefined])
    await brought(parts, table, { lo: snapshot.snapshotId, hi: snapshot.snapshotId, columns, window, without }, (_from, cells) =>
      root.add(cells),
    );
  const ended = await endedBy(parts, table, { lo: snapshot.snapshotId, hi: snapshot.snapshotId, without });
  return root.finish(ended.get(snapshot.snapshotId) === undefined ? [] : [ended.get(snapshot.snapshotId) as EndedVersions]);
}

interface Range {
  readonly lo: SnapshotId;
  readonly hi: SnapshotId;
  readonly without?: Float64Array | undefined;
}

/** Versions that commits in a range brought, by commit and row. */
async function brought(
  parts: AuditParts,
  table: TableState,
  { lo, hi, columns, window, without }: Range & { readonly columns: readonly Column[]; readonly window?: RowWindow | undefined },
  use: (from: SnapshotId, cells: ReturnType<typeof fromDuck>[]) => void,
): Promise<number> {
  const names = joinSql([sql`_from`, ...columns.map(nameOf)]);
  const within = [sql`_from >= ${literal(lo)}`, sql`_from <= ${literal(hi)}`];
  const rows = await parts.scanner.scan(
    {
      tableId: table.id,
      visibility: { kind: 'all', upTo: parts.current().snapshotId },
      window,
      columns,
      hidden: 'version',
      statement: (relation) => sql`SELECT ${names} FROM ${relation}${where(...within, rowIsNotAmong(without))} ORDER BY _from, _row`,
    },
    {},
  );
  for (const [index, row] of rows.entries()) {
    use(
      asSnapshotId(Number(row[0])),
      columns.map((column, at) => fromDuck(column, row[at + 1] ?? null)),
    );
    if (index % ROWS_PER_TURN === 0) await nextTurn();
  }
  return rows.length;
}

/** Versions that commits in a range ended, by commit. */
async function endedBy(parts: AuditParts, table: TableState, { lo, hi, without }: Range): Promise<Map<SnapshotId, EndedVersions>> {
  const within = [sql`_to >= ${literal(lo)}`, sql`_to <= ${literal(hi)}`];
  const rows = await parts.scanner.scan(
    {
      tableId: table.id,
      visibility: { kind: 'all', upTo: parts.current().snapshotId },
      columns: [],
      hidden: 'full',
      statement: (relation) => sql`SELECT _to, _row, _from FROM ${relation}${where(...within, rowIsNotAmong(without))} ORDER BY _to, _row`,
    },
    {},
  );
  const ended = new Map<SnapshotId, { rows: number[]; froms: number[] }>();
  for (const [to, row, from] of rows) {
    const at = asSnapshotId(Number(to));
    const list = ended.get(at) ?? { rows: [], froms: [] };
    list.rows.push(Number(row));
    list.froms.push(Number(from));
    ended.set(at, list);
  }
  return new Map([...ended].map(([at, list]) => [at, { rows: Float64Array.from(list.rows), froms: Float64Array.from(list.froms) }]));
}

/** Recomputes everything. Damage that keeps a row from being read is for the caller to catch. */
export async function audit(parts: AuditParts): Promise<AuditReport> {
  const bad: { at: SnapshotId; what: string }[] = [];
  const replaced = await auditChain(parts, bad);
  let rows = 0;
  for (const { id } of tablesOf(parts.current())) rows += await auditTable(parts, id, replaced, bad);
  bad.sort((left, right) => left.at - right.at);
  return { rows, firstBadCommit: bad[0]?.at ?? null, findings: bad.map(({ what }) => what) };
}

type Replaced = ReadonlyMap<string, Buffer>;
const replacedKey = (of: string, tableId: TableId, snapshotId: SnapshotId): string => `${of}:${tableId}:${snapshotId}`;

/** The links, one after the other. @returns roots that later links put in the place of earlier ones */
async function auditChain(parts: AuditParts, bad: { at: SnapshotId; what: string }[]): Promise<Replaced> {
  const state = parts.current();
  const replaced = new Map<string, Buffer>();
  if (state.snapshotId === 0) return replaced;
  let hash = Buffer.alloc(32) as Buffer;
  let at = asSnapshotId(1);
  for await (const link of new ChainLinks(parts.store, asSnapshotId(1), state).all()) {
    if (link.kind === 'maintenance') continue;
    if (link.kind === 'commit') at = link.commit.snapshotId;
    if (!link.hashAfter(hash).equals(link.hash))
      bad.push({ at, what: `${link.what}: its hash is not that of its content after the one before it` });
    hash = link.hash;
    if (link.kind === 'expire') {
      for (const checkpoint of link.record.kept.checkpoints)
        replaced.set(replacedKey('checkpoint', link.record.tableId, checkpoint.at), checkpoint.root);
    } else for (const { of, tableId, snapshotId, root } of link.commit.replaced) replaced.set(replacedKey(of, tableId, snapshotId), root);
  }
  if (!hash.equals(state.hash)) bad.push({ at: state.snapshotId, what: 'the newest hash of the audit chain is not that of its last link' });
  return replaced;
}

const SNAPSHOTS_PER_READ = 1_000;

async function auditTable(
  parts: AuditParts,
  tableId: TableId,
  replaced: Replaced,
  bad: { at: SnapshotId; what: string }[],
): Promise<number> {
  const table = tableById(parts.current(), tableId);
  let rows = 0;
  let next = Math.max(table.createdSnapshotId, table.kept.horizon + (table.kept.horizon > 0 ? 1 : 0));
  const { last } = table;
  while (next <= last.snapshotId) {
    const range = { lo: asSnapshotId(next), hi: last.snapshotId, descending: false, limit: SNAPSHOTS_PER_READ };
    const snapshots = await parts.history.snapshots(tableId, undefined, range);
    if (snapshots.length === 0) break;
    for (const group of grouped(snapshots)) rows += await auditGroup(parts, table, group, replaced, bad);
    next = (snapshots.at(-1) as Snapshot).snapshotId + 1;
  }
  for (const { at, seed, root } of table.kept.checkpoints) {
    const expected = replaced.get(replacedKey('checkpoint', tableId, at));
    const columns = schemaOf(parts, table, at);
    // The end of a table has no rows; only where it was brought back since, those before its end are vouched for here.
    const isEnd = parts.history.snapshot(tableId, at)?.operation === 'DROP';
    const none = new RootBuilder(seed, columns).finish();
    const builder = new RootBuilder(seed, columns);
    const found = isEnd && none.root.equals(root) ? none : await rootAt(parts, table, at, builder);
    rows += builder.rows;
    if (!found.root.equals(root) || expected === undefined || !expected.equals(root))
      bad.push({ at, what: `table ${table.name}: its rows as of snapshot ${at}, the oldest that is kept, are not those that expiry left` });
  }
  return rows;
}

/** Snapshots that are read together: of one schema version, up to a number of rows. */
function grouped(snapshots: readonly Snapshot[]): Snapshot[][] {
  const groups: Snapshot[][] = [];
  let rows = 0;
  for (const snapshot of snapshots) {
    const group = groups.at(-1);
    const brings = snapshot.insertedRows + snapshot.updatedRows;
    if (group === undefined || group[0]?.schemaVersion !== snapshot.schemaVersion || rows + brings > WINDOW_ROWS) {
      groups.push([snapshot]);
      rows = 0;
    } else group.push(snapshot);
    rows += brings;
  }
  return groups;
}

async function auditGroup(
  parts: AuditParts,
  table: TableState,
  group: readonly Snapshot[],
  replaced: Replaced,
  bad: { at: SnapshotId; what: string }[],
): Promise<number> {
  const [first] = group as [Snapshot];
  const last = group.at(-1) as Snapshot;
  const columns = columnsOfVersion(table, first.schemaVersion);
  const roots = new Map(group.map((snapshot) => [snapshot.snapshotId, new RootBuilder(snapshot.proof.seed, columns)]));
  const range = { lo: first.snapshotId, hi: last.snapshotId };
  const brings = group.reduce((sum, snapshot) => sum + snapshot.insertedRows + snapshot.updatedRows, 0);
  let rows = 0;
  for (const window of brings > WINDOW_ROWS ? windowsBelow(last.nextRow) : [undefined])
    rows += await brought(parts, table, { ...range, columns, window }, (from, cells) => roots.get(from)?.add(cells));
  const ended = group.some(({ updatedRows, deletedRows, operation }) => updatedRows + deletedRows > 0 || operation === 'RESTORE')
    ? await endedBy(parts, table, range)
    : new Map<SnapshotId, EndedVersions>();
  for (const snapshot of group) {
    const { snapshotId, proof } = snapshot;
    const list = ended.get(snapshotId);
    const found = (roots.get(snapshotId) as RootBuilder).finish(list === undefined ? [] : [list]);
    const bytes = parts.store.get(commitKey(snapshotId));
    const record = bytes === undefined ? undefined : decodeCommit(snapshotId, bytes).tables.find(({ tableId }) => tableId === table.id);
    const expected = replaced.get(replacedKey('commit', table.id, snapshotId)) ?? record?.root;
    if (expected === undefined || !expected.equals(proof.root) || !found.root.equals(proof.root))
      bad.push({ at: snapshotId, what: `commit ${snapshotId}: the rows of table ${table.name} are not those that were committed` });
    const schema = table.schemas.find(({ since }) => since === snapshotId);
    if (record?.definition != null && schema !== undefined && !record.definition.equals(definitionHash(table.name, schema)))
      bad.push({ at: snapshotId, what: `commit ${snapshotId}: the definition of table ${table.name} is not the one that was committed` });
  }
  return rows;
}
