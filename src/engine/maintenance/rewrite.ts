/**
 * rewrite: the same versions in other files, which flush and compaction share. What lives and what has ended go into
 * separate files, the ended bucketed by how long they lived and sorted by their end, and versions that nothing kept can
 * see are left out. No answer changes (invariant 3).
 */
import { columnsOfVersion, isGone, type TableState } from '../catalog/state.ts';
import type { Mirror } from '../data/mirrors.ts';
import { type HiddenColumns, writeParquet } from '../data/parquet.ts';
import type { NewFile } from '../log/entry.ts';
import type { DataFile } from '../model/history.ts';
import { asRowId, asSnapshotId, type SnapshotId } from '../model/ids.ts';
import { needsDeletes } from '../read/scan/plan.ts';
import { relationSql } from '../read/scan/relation.ts';
import { rowIsNotAmong } from '../read/scan/rows-sql.ts';
import { EMPTY, joinSql, literal, nameOf, type Sql, type Statement, sql, where } from '../read/scan/sql.ts';
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

/** SQL for whether a version can still be seen: at the horizon and later, or by a tag. What lived in a table ended with it. */
export function keptSql(table: Pick<TableState, 'droppedSnapshotId' | 'kept'>): Sql {
  const { horizon, held } = table.kept;
  if (horizon === 0) return sql`TRUE`;
  const to = isGone(table) ? sql`coalesce(_to, ${literal(table.droppedSnapshotId ?? 0)})` : sql`_to`;
  const byTags = held.map(({ from }) => sql`(_from <= ${literal(from)} AND ${to} > ${literal(from)})`);
  return joinSql([sql`${to} > ${literal(horizon)}`, ...byTags], ' OR ');
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
  const names = columns.map(nameOf);
  const visibility = { kind: 'all', upTo } as const;
  const hot = sources.mirrors.length > 0;
  const outputs: NewFile[] = [];
  const work = (deletes: string | undefined) =>
    parts.duck.withConnection(async (connection) => {
      const relation = relationSql({
        table,
        visibility,
        files: parts.files,
        planned: sources.files,
        mirrors: sources.mirrors,
        deletes,
        columns,
        hidden: 'full',
      });
      const garbage = sql`WHEN NOT (${keptSql(table)}) THEN ${literal(GARBAGE)}`;
      const living = sql`WHEN _to IS NULL THEN ${literal(LIVING)}`;
      const bucket = sql`CASE ${isGone(table) ? garbage : EMPTY} ${living} ${garbage} ELSE floor(log2(_to - _from) + 1e-9)::INTEGER END`;
      const versions = sql`(SELECT *, ${bucket} AS _bucket FROM (${relation})${where(rowIsNotAmong(sources.without))})`;
      const counting = sql`SELECT _bucket, count(*) FROM ${versions} GROUP BY 1 ORDER BY 1`.render();
      const groups = await (await connection.run(counting.sql, ...bound(counting))).getRows();
      let read = 0;
      for (const [group, count] of groups) {
        read += Number(count);
        if (Number(group) === GARBAGE) continue;
        const isLiving = Number(group) === LIVING;
        const hidden: HiddenColumns = isLiving ? 'from' : 'to';
        const list = joinSql([...names, isLiving ? sql`_row, _from` : sql`_row, _from, _to`]);
        const order = isLiving ? sql`_row` : sql`_to, _row`;
        const select = sql`SELECT ${list} FROM ${versions} WHERE _bucket = ${literal(Number(group))} ORDER BY ${order}`;
        const place = { dataDirectory: parts.dataDirectory, tableId: table.id };
        const { spans, ...file } = await writeParquet(connection, place, select.render(), { columns, hidden });
        parts.files.written(file.name);
        if (file.rowCount !== Number(count))
          throw new Error(`rewriting table ${table.name} wrote ${file.rowCount} versions of ${Number(count)}`);
        outputs.push({
          ...file,
          kind: isLiving ? 'live' : 'history',
          rowLo: asRowId(spans.rowLo),
          rowHi: asRowId(spans.rowHi),
          fromLo: asSnapshotId(spans.fromLo),
          fromHi: asSnapshotId(spans.fromHi),
          toLo: asSnapshotId(spans.toLo),
          toHi: asSnapshotId(spans.toHi),
          lifeLog: isLiving ? 0 : Number(group),
          schemaVersion: sources.schemaVersion,
        });
      }
      return { outputs, read };
    });
  try {
    return await parts.files.reading(sources.files, () =>
      needsDeletes({ table, visibility }, sources.files, hot) ? parts.endMirrors.with(table, work) : work(undefined),
    );
  } catch (error) {
    for (const { name } of outputs) await parts.files.removeNamed(table.id, name);
    throw error;
  }
}

function bound({ parameters }: Statement) {
  return [parameters.map((parameter) => parameter.value), parameters.map((parameter) => parameter.type)] as const;
}
