/** append: new rows. A row with a primary key that is there is INVALID_ROW. */
import { type GivenRows, rowsOf } from './checked.ts';
import type { RowsDescriptor } from './descriptor.ts';

export interface Append extends GivenRows {
  readonly kind: 'append';
  readonly table: string;
}

export const append: RowsDescriptor<Append> = {
  kind: 'append',
  operation: 'APPEND',
  asks: { rows: 'required' },
  isByKey: false,
  onDraft: (draft, operation) => draft.append(rowsOf(draft.schema, operation)),
  inBulk: null,
};
