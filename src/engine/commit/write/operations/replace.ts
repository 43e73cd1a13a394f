/** replace: rows in the place of those that match, or of the whole table. A row whose primary key comes again is changed. */
import type { Filter } from '../../../read/scan/filter.ts';
import { bulkReplace } from '../bulk.ts';
import { filterOf, type GivenRows, rowsOf } from './checked.ts';
import type { RowsDescriptor } from './descriptor.ts';

export interface Replace extends GivenRows {
  readonly kind: 'replace';
  readonly table: string;
  /** The whole table where absent. */
  readonly where?: Filter | undefined;
}

export const replace: RowsDescriptor<Replace> = {
  kind: 'replace',
  operation: 'REPLACE',
  asks: { rows: 'required', where: 'optional' },
  isByKey: false,
  onDraft: async (draft, operation) => draft.replace(filterOf(draft.schema, operation.where), rowsOf(draft.schema, operation)),
  inBulk: {
    about: (schema, { where }) => filterOf(schema, where),
    evaluate: async (parts, { table, filter }, operation, options) =>
      bulkReplace(parts, table, { filter, rows: rowsOf(table.schema, operation) }, options),
  },
};
