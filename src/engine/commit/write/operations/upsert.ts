/** upsert: rows by primary key. What a row does not give stays where the row exists, and is the default where it is new. */
import { EngineError } from '../../../model/errors.ts';
import { checkPartialRows } from '../../../model/rows.ts';
import { columnNamed } from '../../../model/schema.ts';
import type { Filter } from '../../../read/scan/filter.ts';
import { checkBatchSize } from '../prepare.ts';
import { filterOf, type GivenRows } from './checked.ts';
import type { RowsDescriptor } from './descriptor.ts';

/** What an upsert does to rows that exist. */
export interface OnConflict {
  /** Names of the columns that may change, the columns' own names; those that a row gives where absent. None: existing rows stay. */
  readonly update?: readonly string[] | undefined;
  /** Only existing rows that match are changed; the others stay as they are. */
  readonly where?: Filter | undefined;
}

export interface Upsert extends GivenRows {
  readonly kind: 'upsert';
  readonly table: string;
  readonly onConflict?: OnConflict | undefined;
}

/** What `engine.upsert` takes beside the rows. */
export type HowToUpsert = Pick<Upsert, 'onConflict' | 'form'>;

export const upsert: RowsDescriptor<Upsert> = {
  kind: 'upsert',
  operation: 'UPSERT',
  asks: { rows: 'required', onConflict: 'optional' },
  isByKey: true,
  async onDraft(draft, { table, rows, form = 'name', onConflict = {} }) {
    const { schema } = draft;
    if (schema.primaryKey.length === 0)
      throw new EngineError('BAD_USER_INPUT', `table ${table} has no primary key, which upsert needs`, {
        details: { table },
        hint: 'Use append, or replace with where.',
      });
    checkBatchSize(rows);
    const may = onConflict.update?.map((name) => columnNamed(schema, name, 'onConflict.update'));
    return draft.upsert(checkPartialRows(schema, rows, form), {
      form,
      mayChange: may === undefined ? () => true : (column) => may.includes(column),
      where: onConflict.where === undefined ? undefined : filterOf(schema, onConflict.where),
    });
  },
  inBulk: null,
};
