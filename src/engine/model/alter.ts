/** Changes of a table's columns, by field id: metadata only. What files and past snapshots hold stays as it was. */
import { EngineError, unreachable } from './errors.ts';
import type { Retention } from './history.ts';
import { LIMITS, limitExceeded } from './limits.ts';
import { checkColumnName } from './names.ts';
import { type ColumnDefinition, checkColumnNames, columnNamed, defineColumn, describe } from './schema.ts';
import { checkChosenColumnGraphqlName, defaultColumnGraphqlName } from './typed-names.ts';
import type { Column, ColumnType, TableSchema } from './types.ts';

export type ColumnChange =
  | { readonly kind: 'addColumn'; readonly column: ColumnDefinition }
  | { readonly kind: 'dropColumn'; readonly name: string }
  | { readonly kind: 'renameColumn'; readonly name: string; readonly to: string; readonly graphqlName?: string | null | undefined }
  /** INT to LONG, FLOAT to DOUBLE, DECIMAL to more digits. */
  | {
      readonly kind: 'widenColumn';
      readonly name: string;
      readonly type?: ColumnType | null | undefined;
      readonly precision?: number | null | undefined;
    }
  | { readonly kind: 'makeOptional'; readonly name: string }
  /** All column names, in their new order. */
  | { readonly kind: 'reorderColumns'; readonly names: readonly string[] }
  /** Of a column, or of the table where none is named. */
  | { readonly kind: 'setDescription'; readonly column?: string | null | undefined; readonly description: string | null }
  /** Null gives the table back to the catalog's policy. */
  | { readonly kind: 'setRetention'; readonly retention: RetentionDefinition | null };

export interface RetentionDefinition {
  readonly maxAgeMs?: number | null | undefined;
  readonly minSnapshots?: number | null | undefined;
}

/** What of a table an alteration changes. */
export interface Alterable {
  readonly schema: TableSchema;
  readonly schemas: readonly TableSchema[];
  readonly description: string | null;
  readonly retention: Retention | null;
}

export interface Altered {
  /** The new columns; null where they stay as they are. */
  readonly schema: TableSchema | null;
  readonly description: string | null;
  readonly retention: Retention | null;
}

/**
 * Applies changes in order.
 * @throws EngineError COLUMN_NOT_FOUND, INVALID_NAME, NAME_COLLISION, BAD_USER_INPUT, LIMIT_EXCEEDED naming the change
 */
export function alterTable(table: Alterable, changes: readonly ColumnChange[]): Altered {
  if (changes.length === 0) throw bad('changes is empty: there is nothing to alter');
  let fieldId = Math.max(...table.schemas.flatMap((schema) => schema.columns.map((column) => column.fieldId)));
  let { schema, description, retention } = table as Altered & { schema: TableSchema };
  for (const change of changes) {
    switch (change.kind) {
      case 'setRetention':
        retention = change.retention === null ? null : checkRetention(change.retention);
        break;
      case 'setDescription':
        if (change.column == null) description = describe(change.description, 'the table');
        else
          schema = withColumn(schema, change.column, change.kind, (column) => ({
            ...column,
            description: describe(change.description, `column ${column.name}`),
          }));
        break;
      case 'addColumn':
        fieldId += 1;
        schema = addColumn(schema, defineColumn(change.column, fieldId, false));
        break;
      case 'dropColumn':
        schema = dropColumn(schema, change.name);
        break;
      case 'renameColumn':
        schema = renameColumn(schema, change);
        break;
      case 'widenColumn':
        schema = withColumn(schema, change.name, change.kind, (column) => widened(column, change));
        break;
      case 'makeOptional':
        schema = makeOptional(schema, change.name);
        break;
      case 'reorderColumns':
        schema = reorder(schema, change.names);
        break;
      default:
        unreachable(change);
    }
    checkColumnNames(schema.columns);
  }
  return { schema: schema === table.schema ? null : { ...schema, version: table.schema.version + 1, since: 0 }, description, retention };
}

/** @throws EngineError BAD_USER_INPUT */
export function checkRetention({ maxAgeMs, minSnapshots }: RetentionDefinition): Retention {
  if (maxAgeMs == null && minSnapshots == null) throw bad('setRetention: give maxAgeMs, minSnapshots or both');
  if (maxAgeMs != null && (!Number.isSafeInteger(maxAgeMs) || maxAgeMs < 0))
    throw bad(`setRetention: maxAgeMs ${maxAgeMs} is not an age in milliseconds`);
  const most = LIMITS.retentionSnapshotsMax;
  if (minSnapshots != null && (!Number.isInteger(minSnapshots) || minSnapshots < 1 || minSnapshots > most))
    throw bad(`setRetention: minSnapshots ${minSnapshots} is not between 1 and ${most}`);
  return { maxAgeMs: maxAgeMs ?? null, minSnapshots: minSnapshots ?? null };
}

function withColumn(schema: TableSchema, name: string, where: string, change: (column: Column) => Column): TableSchema {
  const column = columnNamed(schema, name, where);
  return { ...schema, columns: schema.columns.map((candidate) => (candidate === column ? change(column) : candidate)) };
}

function addColumn(schema: TableSchema, column: Column): TableSchema {
  if (schema.columns.length >= LIMITS.columnsMax)
    throw limitExceeded('columnsMax', LIMITS.columnsMax, schema.columns.length + 1, 'Split the table.');
  if (column.required && column.default === null)
    throw bad(
      `addColumn: column ${column.name} is required, but rows that are there have no value for it; give it a default, or leave required out`,
    );
  return { ...schema, columns: [...schema.columns, column] };
}

function dropColumn(schema: TableSchema, name: string): TableSchema {
  const column = columnNamed(schema, name, 'dropColumn');
  if (schema.primaryKey.includes(name)) throw bad(`dropColumn: column ${name} is part of the primary key`);
  if (schema.columns.length === 1) throw bad(`dropColumn: column ${name} is the table's only one`);
  return { ...schema, columns: schema.columns.filter((candidate) => candidate !== column) };
}

function renameColumn(schema: TableSchema, { name, to, graphqlName }: Extract<ColumnChange, { kind: 'renameColumn' }>): TableSchema {
  checkColumnName(to);
  if (graphqlName != null) checkChosenColumnGraphqlName(graphqlName);
  const renamed = withColumn(schema, name, 'renameColumn', (column) => ({
    ...column,
    name: to,
    graphqlName: graphqlName ?? defaultColumnGraphqlName(to),
  }));
  return { ...renamed, primaryKey: schema.primaryKey.map((key) => (key === name ? to : key)) };
}

function widened(column: Column, { type, precision }: Extract<ColumnChange, { kind: 'widenColumn' }>): Column {
  const wanted = type ?? column.type;
  if (wanted === column.type && column.type === 'DECIMAL') {
    const digits = column.precision ?? 18;
    if (precision == null || !Number.isInteger(precision) || precision <= digits || precision > 38)
      throw bad(`widenColumn: column ${column.name} has precision ${digits}; give a precision above it, up to 38`);
    return { ...column, precision };
  }
  if (precision != null) throw bad('widenColumn: precision is for DECIMAL columns only');
  if (column.type === 'INT' && wanted === 'LONG')
    return { ...column, type: wanted, default: column.default === null ? null : BigInt(column.default as number) };
  if (column.type === 'FLOAT' && wanted === 'DOUBLE') return { ...column, type: wanted };
  throw bad(
    `widenColumn: column ${column.name} is ${column.type}, which cannot become ${wanted}; INT can become LONG, FLOAT DOUBLE, DECIMAL of more precision`,
  );
}

function makeOptional(schema: TableSchema, name: string): TableSchema {
  if (schema.primaryKey.includes(name)) throw bad(`makeOptional: column ${name} is part of the primary key`);
  return withColumn(schema, name, 'makeOptional', (column) => ({ ...column, required: false }));
}

function reorder(schema: TableSchema, names: readonly string[]): TableSchema {
  const columns = names.map((name) => columnNamed(schema, name, 'reorderColumns'));
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw bad(`reorderColumns names column ${twice} twice`);
  const missing = schema.columns.find((column) => !columns.includes(column));
  if (missing !== undefined) throw bad(`reorderColumns leaves out column ${missing.name}; name every column once`);
  return { ...schema, columns };
}

function bad(message: string): EngineError {
  return new EngineError('BAD_USER_INPUT', message);
}
