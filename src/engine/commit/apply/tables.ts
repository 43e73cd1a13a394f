/** apply, tables: created, altered, dropped. Pure, as all of apply. */
import { tableKey } from '../../catalog/keys.ts';
import { encodeTable } from '../../catalog/records.ts';
import { findTable, livingRowsOf, type TableState } from '../../catalog/state.ts';
import type { AlterChange, CommitEntry, CreateChange, DropChange, Outcome, UndropChange } from '../../log/entry.ts';
import { refusedBy, tableExists } from '../../model/existing-table.ts';
import { asTableId, type TableId } from '../../model/ids.ts';
import { LIMITS } from '../../model/limits.ts';
import { fieldsClash } from '../../model/typed-names.ts';
import { changedSince, nameTaken } from '../expectations.ts';
import { type CatalogWork, Refused, type TableWork, workOn, workOnNew } from './table-work.ts';

type NameFacts = Pick<TableState, 'name' | 'graphqlName' | 'schema'>;

export function create(work: CatalogWork, { table: wanted, ifExists }: CreateChange): Refused | Outcome | undefined {
  const existing = findTable(work.state, wanted.name);
  if (existing !== undefined && work.byName.has(wanted.name)) return createAgain(existing, wanted, ifExists);
  if (work.byName.has(wanted.name)) return new Refused(tableExists(wanted.name));
  const clash = nameClash(work, wanted, undefined);
  if (clash !== undefined) return clash;
  if (work.byName.size >= LIMITS.tablesMax) {
    return new Refused({
      code: 'LIMIT_EXCEEDED',
      message: `tablesMax: the catalog has ${LIMITS.tablesMax} tables, the most it can have`,
      details: { limit: 'tablesMax', maximum: LIMITS.tablesMax, actual: work.byName.size + 1 },
    });
  }
  const id = asTableId(work.nextTableId);
  work.nextTableId += 1;
  const table = workOnNew(work, id, wanted);
  work.byName = new Map(work.byName).set(table.name, id);
  work.schemaEpoch += 1;
  putTable(work, table);
  return undefined;
}

function createAgain(existing: TableState, wanted: CreateChange['table'], ifExists: 'ERROR' | 'IGNORE'): Refused | Outcome {
  const refusal = refusedBy(existing, wanted, ifExists);
  return refusal === undefined ? { kind: 'unchanged', tableId: existing.id } : new Refused(refusal);
}

/** Another living table that would share a name with this one in the typed API. */
function nameClash(work: CatalogWork, wanted: NameFacts, self: TableId | undefined): Refused | undefined {
  for (const id of work.byName.values()) {
    const other: NameFacts | undefined = work.tables.get(id) ?? work.state.tables[id];
    if (id === self || other === undefined || !clashes(other, wanted)) continue;
    return new Refused({
      code: 'NAME_COLLISION',
      message: `table ${wanted.name} would have the same name as table ${other.name} in the typed API`,
      details: { name: wanted.name, other: other.name },
      hint: 'Names are compared without case and underscores. Choose another name, or give a graphqlName.',
    });
  }
  return undefined;
}

/** Whether two tables would share a name: their own, or that of a field in the typed API. */
function clashes(left: NameFacts, right: NameFacts): boolean {
  return left.name.toLowerCase() === right.name.toLowerCase() || fieldsClash(left, right);
}

function putTable(work: CatalogWork, table: TableWork): void {
  work.puts.push({ key: tableKey(table.id), value: encodeTable(table) });
}

/** The table, where it lives and is as the writer expects it. */
export function livingTable(
  work: CatalogWork,
  tableId: TableId,
  { expectedSnapshotId: expected }: Pick<CommitEntry, 'expectedSnapshotId'>,
): TableWork | Refused {
  const table = workOn(work, tableId);
  if (table === undefined || table.droppedSnapshotId !== null) {
    const name = table?.name ?? `number ${tableId}`;
    return new Refused({
      code: 'TABLE_NOT_FOUND',
      message: `table ${name} was dropped`,
      details: { table: name },
      hint: 'Its history can still be read; restore brings it back.',
    });
  }
  const newest = table.before?.last.snapshotId;
  const changed = newest === undefined ? undefined : changedSince(table.name, newest, expected);
  if (changed !== undefined) return new Refused(changed);
  return table;
}

/** A change that was prepared on something that is no longer so; the engine prepares it again. */
export function outdated(table: TableWork): Refused {
  return new Refused({
    code: 'CONFLICT',
    message: `table ${table.name} has changed meanwhile`,
    details: { table: table.name },
    hint: 'Try again.',
  });
}

export function alter(work: CatalogWork, entry: CommitEntry, change: AlterChange): Refused | undefined {
  const table = livingTable(work, change.tableId, entry);
  if (table instanceof Refused) return table;
  if (table.schema.version !== change.schemaVersion) return outdated(table);
  table.description = change.description;
  table.retention = change.retention;
  if (change.schema !== null) {
    const schema = { ...change.schema, since: work.at.snapshotId };
    // A table that is created and altered by one commit has its columns from the start.
    table.schemas = table.before === undefined ? [...table.schemas.slice(0, -1), schema] : [...table.schemas.filter(isOlder), schema];
    table.schema = schema;
  }
  table.operation ??= change.operation;
  table.defined = true;
  work.schemaEpoch += 1;
  putTable(work, table);
  return undefined;

  function isOlder(schema: { readonly since: number }): boolean {
    return schema.since < work.at.snapshotId;
  }
}

export function drop(work: CatalogWork, entry: CommitEntry, change: DropChange): Refused | undefined {
  const table = livingTable(work, change.tableId, entry);
  if (table instanceof Refused) return table;
  table.droppedSnapshotId = work.at.snapshotId;
  table.droppedAtMs = work.at.timestampMs;
  table.operation = 'DROP';
  table.deletedRows += table.before === undefined ? 0 : table.before.last.totalRows + table.insertedRows - table.deletedRows;
  table.defined = true;
  const byName = new Map(work.byName);
  byName.delete(table.name);
  work.byName = byName;
  work.schemaEpoch += 1;
  putTable(work, table);
  return undefined;
}

/** Brings a dropped table back, where its name is free. */
export function undrop(work: CatalogWork, change: UndropChange): Refused | undefined {
  const table = workOn(work, change.tableId);
  if (table === undefined || table.droppedSnapshotId === null) return undefined;
  if (work.byName.has(table.name)) return new Refused(nameTaken(table.name));
  const clash = nameClash(work, table, table.id);
  if (clash !== undefined) return clash;
  table.droppedSnapshotId = null;
  table.droppedAtMs = null;
  table.operation ??= 'RESTORE';
  // The rows that went with it come back with it, but for those that compaction has taken away since.
  table.undropped = true;
  table.insertedRows += table.before === undefined ? 0 : livingRowsOf(table.before);
  table.defined = true;
  work.byName = new Map(work.byName).set(table.name, table.id);
  work.schemaEpoch += 1;
  putTable(work, table);
  return undefined;
}
