/** delete: the rows that match end. */
import type { Filter } from '../../../read/scan/filter.ts';
import { bulkDelete } from '../bulk.ts';
import { filterOf } from './checked.ts';
import type { RowsDescriptor } from './descriptor.ts';

export interface Delete {
  readonly kind: 'delete';
  readonly table: string;
  readonly where: Filter;
}

export const deleteRows: RowsDescriptor<Delete> = {
  kind: 'delete',
  operation: 'DELETE',
  asks: { where: 'required' },
  isByKey: false,
  onDraft: async (draft, { where }) => draft.delete(filterOf(draft.schema, where)),
  inBulk: {
    about: (schema, { where }) => filterOf(schema, where),
    evaluate: (parts, { table, filter }, _operation, options) => bulkDelete(parts, table, filter, options),
  },
};
