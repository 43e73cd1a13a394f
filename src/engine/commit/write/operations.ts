/** The operations of a commit as callers give them. */
import type { ColumnChange } from '../../model/alter.ts';
import type { RowForm } from '../../model/rows.ts';
import type { TableDefinition } from '../../model/schema.ts';
import type { Operation } from '../../model/types.ts';
import type { Filter } from '../../read/scan/filter.ts';

/** What an upsert does to rows that exist. */
export interface OnConflict {
  /** Names of the columns that may change, the columns' own names; those that a row gives where absent. None: existing rows stay. */
  readonly update?: readonly string[] | undefined;
  /** Only existing rows that match are changed; the others stay as they are. */
  readonly where?: Filter | undefined;
}

export interface HowToUpsert {
  readonly onConflict?: OnConflict | undefined;
  readonly form?: RowForm | undefined;
}

export type CommitOperation =
  | { readonly kind: 'append'; readonly table: string; readonly rows: readonly unknown[]; readonly form?: RowForm | undefined }
  /** By primary key: what a row does not give stays where the row exists, and is the default where it is new. */
  | {
      readonly kind: 'upsert';
      readonly table: string;
      readonly rows: readonly unknown[];
      readonly onConflict?: OnConflict | undefined;
      readonly form?: RowForm | undefined;
    }
  /** Without `where`: the whole table. */
  | {
      readonly kind: 'replace';
      readonly table: string;
      readonly rows: readonly unknown[];
      readonly where?: Filter | undefined;
      readonly form?: RowForm | undefined;
    }
  | { readonly kind: 'delete'; readonly table: string; readonly where: Filter }
  /** `set`: new values by column; what is absent stays, null sets null. */
  | {
      readonly kind: 'update';
      readonly table: string;
      readonly where: Filter;
      readonly set: Readonly<Record<string, unknown>>;
      readonly form?: RowForm | undefined;
    }
  | { readonly kind: 'createTable'; readonly definition: TableDefinition }
  | { readonly kind: 'alterTable'; readonly table: string; readonly changes: readonly ColumnChange[] }
  | { readonly kind: 'dropTable'; readonly table: string };

/** The kind of snapshot that an operation makes. */
export const OPERATION_OF: Readonly<Record<CommitOperation['kind'], Operation>> = {
  append: 'APPEND',
  upsert: 'UPSERT',
  replace: 'REPLACE',
  delete: 'DELETE',
  update: 'UPDATE',
  createTable: 'CREATE',
  alterTable: 'ALTER',
  dropTable: 'DROP',
};
