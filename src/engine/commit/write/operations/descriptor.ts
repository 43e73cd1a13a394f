/**
 * What makes a kind of operation. Each kind has one descriptor, in a file of its own; evaluate.ts, the GraphQL schema and
 * its resolvers walk the descriptors, and none of them knows a kind by its name. So a kind that lacks a part does not compile.
 */
import type { TableState } from '../../../catalog/state.ts';
import type { QueryOptions } from '../../../data/duckdb.ts';
import type { Operation, TableSchema } from '../../../model/types.ts';
import type { CheckedFilter } from '../../../read/scan/filter.ts';
import type { BuiltRows } from '../build.ts';
import type { BulkParts } from '../bulk.ts';
import type { Draft, DraftRow } from '../draft.ts';
import type { TableDrafts } from '../table-drafts.ts';

/** The parts of an operation on rows, beside its table. */
export type Part = 'rows' | 'where' | 'set' | 'onConflict';

/** Which parts an operation asks for, and whether a caller may leave them out; exactly those that its type has. */
type Asks<Op> = { readonly [Name in Extract<keyof Op, Part>]: undefined extends Op[Name] ? 'optional' : 'required' };

interface Kind<Op extends { readonly kind: string }> {
  readonly kind: Op['kind'];
  /** What the snapshot of a table is named by, where this is the commit's first operation on it. */
  readonly operation: Operation;
}

/** An operation on the rows of one table. */
export interface RowsDescriptor<Op extends { readonly kind: string; readonly table: string }> extends Kind<Op> {
  readonly asks: Asks<Op>;
  /** Whether its rows are given in part and go by their primary key, so that only tables with one have it. */
  readonly isByKey: boolean;
  /** Evaluates it after the operations before it. @returns the rows of its answer */
  onDraft(draft: Draft, operation: Op): Promise<DraftRow[]>;
  /** For more rows than a draft takes, where the operation is a commit of its own; null where it has no such form. */
  readonly inBulk: BulkForm<Op> | null;
}

interface BulkForm<Op> {
  /** The stored rows that it is about; undefined for all. */
  about(schema: TableSchema, operation: Op): CheckedFilter | undefined;
  evaluate(parts: BulkParts, at: AboutRows, operation: Op, options: QueryOptions): Promise<BuiltRows>;
}

interface AboutRows {
  readonly table: TableState;
  readonly filter: CheckedFilter | undefined;
}

/** An operation on a table itself. */
export interface TableDescriptor<Op extends { readonly kind: string }> extends Kind<Op> {
  /** Evaluates it after the operations before it. `isAlone`: the commit has no other operation. */
  onTables(tables: TableDrafts, operation: Op, isAlone: boolean): void;
  /** What an idempotency key of a commit of this one operation stands for; the operation as it was given where absent. */
  contentAlone?(operation: Op): string;
}
