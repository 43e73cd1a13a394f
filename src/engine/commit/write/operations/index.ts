/** The operations of a commit, as callers give them, and the descriptor of each kind. A new kind is one line in each part. */
import type { OperationKey } from '../../../model/typed-names.ts';
import { type AlterTable, alterTable } from './alter-table.ts';
import { type Append, append } from './append.ts';
import { type CreateTable, createTable } from './create-table.ts';
import { type Delete, deleteRows } from './delete.ts';
import type { RowsDescriptor, TableDescriptor } from './descriptor.ts';
import { type DropTable, dropTable } from './drop-table.ts';
import { type Replace, replace } from './replace.ts';
import { type Update, update } from './update.ts';
import { type Upsert, upsert } from './upsert.ts';

/** The operations on rows, by kind. */
export interface RowOperations {
  append: Append;
  upsert: Upsert;
  replace: Replace;
  delete: Delete;
  update: Update;
}

/** The operations on tables themselves, by kind. */
export interface TableOperations {
  createTable: CreateTable;
  alterTable: AlterTable;
  dropTable: DropTable;
}

export type RowKind = keyof RowOperations;
export type RowOperation = RowOperations[RowKind];
export type CommitOperation = RowOperation | TableOperations[keyof TableOperations];

/** No table has the name of a kind in the typed API: a kind that model/typed-names.ts does not list is no type here. */
type Named<Kind extends string> = Lowercase<Kind> extends OperationKey ? Kind : never;

/** `& { kind: Named<Kind> }`: what stands under a kind is of that kind. */
type Rows = { readonly [Kind in RowKind]: RowsDescriptor<RowOperations[Kind] & { readonly kind: Named<Kind> }> };
type Tables = { readonly [Kind in keyof TableOperations]: TableDescriptor<TableOperations[Kind] & { readonly kind: Named<Kind> }> };

export const ROW_OPERATIONS: Rows = { append, upsert, replace, delete: deleteRows, update };

export const TABLE_OPERATIONS: Tables = { createTable, alterTable, dropTable };

export function isRowOperation(operation: CommitOperation): operation is RowOperation {
  return Object.hasOwn(ROW_OPERATIONS, operation.kind);
}

/** The descriptor of an operation's own kind takes it; the compiler cannot follow that through the table. */
export function rowsDescriptorOf<Op extends RowOperation>({ kind }: Op): RowsDescriptor<Op> {
  return ROW_OPERATIONS[kind] as unknown as RowsDescriptor<Op>;
}

type TableOperation = TableOperations[keyof TableOperations];

export function tableDescriptorOf<Op extends TableOperation>({ kind }: Op): TableDescriptor<Op> {
  return TABLE_OPERATIONS[kind] as unknown as TableDescriptor<Op>;
}
