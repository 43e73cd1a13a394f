/**
 * createTable: a new table. Whether a table of its name is in the way is decided by one rule, model/existing-table.ts: by
 * apply, and before it here where later operations of the commit have to know.
 */
import { createHash } from 'node:crypto';
import { encodeTable } from '../../../catalog/records.ts';
import { refusalError } from '../../../model/errors.ts';
import { refusedBy } from '../../../model/existing-table.ts';
import { asSnapshotId, asTimestampMs } from '../../../model/ids.ts';
import { defineTable, type NewTable, type TableDefinition } from '../../../model/schema.ts';
import type { TableDescriptor } from './descriptor.ts';

export interface CreateTable {
  readonly kind: 'createTable';
  readonly definition: TableDefinition;
}

export const createTable: TableDescriptor<CreateTable> = {
  kind: 'createTable',
  operation: 'CREATE',
  onTables(tables, { definition }, isAlone) {
    const wanted = defineTable(definition);
    const ifExists = definition.ifExists ?? 'ERROR';
    // Apply decides by itself: so creations need no base, and go into the log side by side.
    if (isAlone) return tables.create(wanted, ifExists);
    const existing = tables.find(wanted.name);
    if (existing === undefined) return tables.create(wanted, 'ERROR');
    const refusal = refusedBy(existing, wanted, ifExists);
    if (refusal !== undefined) throw refusalError(refusal);
    tables.takeAsItIs(wanted.name);
  },
  contentAlone({ definition }) {
    const bytes = tableContent(defineTable(definition));
    const hash = createHash('sha256').update('create:').update(bytes);
    return hash
      .update(definition.ifExists ?? 'ERROR')
      .digest('hex')
      .slice(0, 32);
  },
};

/** A new table's definition as bytes. */
function tableContent(table: NewTable): Buffer {
  const dates = { createdSnapshotId: asSnapshotId(0), createdAtMs: asTimestampMs(0), droppedSnapshotId: null, droppedAtMs: null };
  return encodeTable({ ...table, ...dates, retention: null, schemas: [table.schema] });
}
