/**
 * rewrite: the same versions in other files, which flush and compaction share. What lives and what has ended go into
 * separate files, the ended bucketed by how long they lived and sorted by their end, and versions that nothing kept can
 * see are left out. No answer changes (invariant 3).
 */
import type { TableState } from '../catalog/state.ts';
import { columnsOfVersion } from '../catalog/state.ts';
import { sqlName } from '../data/duckdb.ts';
import type { Mirror } from '../data/mirrors.ts';
import { type HiddenColumns, writeParquet } from '../data/parquet.ts';
import type { NewFile } from '../log/entry.ts';
import type { DataFile } from '../model/history.ts';
import { asRowId, asSnapshotId, type SnapshotId } from '../model/ids.ts';
import { SqlParameters } from '../read/scan/filter-sql.ts';
import { needsDeletes } from '../read/scan/plan.ts';
import { relationSql } from '../read/scan/relation.ts';
import type { MaintenanceParts } from './parts.ts';

export interface RewriteSources {
  readonly files: readonly DataFile[];
  readonly mirrors: readonly Mirror[];
  readonly schemaVersion: number;
  /** Rows of these identities are left out, as erasure does. */
  readonly without?: Float64Array;
}

/** A group of versions that become one file. */
const LIVING = -1;
const GARBAGE = -2;

/** Whether all of a dropped table's history has expired, but for what tags hold. */
export function isGone({ droppedSnapshotId, kept }: Pick<TableState, 'droppedSnapshotId' | 'kept'>): boolean {
  return droppedSnapshotId !== null && kept.horizon >= droppedSnapshotId;
}

/** SQL for whether a version can still be seen: at the horizon and later, or by a tag. What lived in a table ended with it. */
export function keptSql(table: Pick<TableState, 'droppedSnapshotId' | 'kept'>): string {
  const { horizon, held } = table.kept;
  if (horizon === 0) return 'TRUE';
  const to = isGone(table) ? `coalesce(_to, ${table.droppedSnapshotId})` : '_to';
  return [`${to} > ${horizon}`, ...held.map(({ from }) => `(_from <= ${from} AND ${to} > ${from})`)].join(' OR ');
}

/**
 * Writes the versions of some sources, with every end up to a snapshot in them. The sources are pinned by the caller, all
 * of one schema version.
 * @returns the new files, and how many versions were read
 */
export async function writeVersions(
  parts: MaintenanceParts,
  table: TableState,
  sources: RewriteSources,
  upTo: SnapshotId,
): Promise<{ readonly outputs: readonly NewFile[]; readonly read: number }> {
  const columns = columnsOfVersion(table, sources.schemaVersion);
  const names = columns.map((column) => sqlName(column.name));
  const visibility = { kind: 'all', upTo } as const;
  const hot = sources.mirrors.length > 0;
  const work = (ends: string | undefined) =>
    parts.duck.withConnection(async (connection) => {
      const parameters = new SqlParameters();
      const relation = relationSql({
        table,
        visibility,
        files: parts.files,
        planned: sources.files,
        mirrors: sources.mirrors,
        ends,
        columns,
        hidden: 'full',
        parameters,
      });
      const without =
        sources.without === undefined || sources.without.length === 0 ? '' : ` WHERE _row NOT IN (${[...sources.without].join(', ')})`;
      const gone = isGone(table) ? `WHEN NOT (${keptSql(table)}) THEN ${GARBAGE} ` : '';
      const bucket = `CASE ${gone}WHEN _to IS NULL THEN ${LIVING} WHEN NOT (${keptSql(table)}) THEN ${GARBAGE} ELSE floor(log2(_to - _from) + 1e-9)::INTEGER END`;
      const versions = `(SELECT *, ${bucket} AS _bucket FROM (${relation})${without})`;
      const groups = await (
        await connection.run(`SELECT _bucket, count(*) FROM ${versions} GROUP BY 1 ORDER BY 1`, ...bound(parameters))
      ).getRows();
      const outputs: NewFile[] = [];
      let read = 0;
      for (const [group, count] of groups) {
        read += Number(count);
        if (Number(group) === GARBAGE) continue;
        const living = Number(group) === LIVING;
        const hidden: HiddenColumns = living ? 'from' : 'to';
        const list = [...names, '_row', '_from', ...(living ? [] : ['_to'])].join(', ');
        const sql = `SELECT ${list} FROM ${versions} WHERE _bucket = ${Number(group)} ORDER BY ${living ? '_row' : '_to, _row'}`;
        const place = { dataDirectory: parts.dataDirectory, tableId: table.id };
        const { spans, ...file } = await writeParquet(connection, place, { sql, parameters: parameters.list }, { columns, hidden });
        parts.files.written(file.name);
        if (file.rowCount !== Number(count))
          throw new Error(`rewriting table ${table.name} wrote ${file.rowCount} versions of ${Number(count)}`);
        outputs.push({
          ...file,
          kind: living ? 'live' : 'history',
          rowLo: asRowId(spans.rowLo),
          rowHi: asRowId(spans.rowHi),
          fromLo: asSnapshotId(spans.fromLo),
          fromHi: asSnapshotId(spans.fromHi),
          toLo: asSnapshotId(spans.toLo),
          toHi: asSnapshotId(spans.toHi),
          lifeLog: living ? 0 : Number(group),
          schemaVersion: sources.schemaVersion,
        });
      }
      return { outputs, read };
    });
  return parts.files.reading(sources.files, () =>
    needsDeletes({ table, visibility }, sources.files, hot) ? parts.endMirrors.with(table, work) : work(undefined),
  );
}

function bound(parameters: SqlParameters) {
  return [parameters.list.map((parameter) => parameter.value), parameters.list.map((parameter) => parameter.type)] as const;
}
