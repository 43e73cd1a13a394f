/** update: the rows that match get new values. */
import { EngineError } from '../../../model/errors.ts';
import { checkPatch, type RowForm } from '../../../model/rows.ts';
import type { TableSchema } from '../../../model/types.ts';
import type { Filter } from '../../../read/scan/filter.ts';
import { bulkUpdate } from '../bulk.ts';
import type { Patch } from '../draft.ts';
import { filterOf } from './checked.ts';
import type { RowsDescriptor } from './descriptor.ts';

export interface Update {
  readonly kind: 'update';
  readonly table: string;
  readonly where: Filter;
  /** New values by column; what is absent stays, null sets null. */
  readonly set: Readonly<Record<string, unknown>>;
  /** Which names `set` uses; the columns' own where absent. */
  readonly form?: RowForm | undefined;
}

const patchOf = (schema: TableSchema, { set, form = 'name' }: Update): Patch => checkPatch(schema, set, form);

export const update: RowsDescriptor<Update> = {
  kind: 'update',
  operation: 'UPDATE',
  asks: { where: 'required', set: 'required' },
  isByKey: false,
  onDraft: async (draft, operation) => draft.update(filterOf(draft.schema, operation.where), patchOf(draft.schema, operation)),
  inBulk: {
    about: (schema, { where }) => filterOf(schema, where),
    async evaluate(parts, { table, filter }, operation, options) {
      const patch = patchOf(table.schema, operation);
      refuseKeys(table.schema, patch);
      return bulkUpdate(parts, table, { filter, patch }, options);
    },
  },
};

/** Of many rows that get the same values, the primary keys would be the same too. */
function refuseKeys({ columns, primaryKey }: TableSchema, patch: Patch): void {
  const keyed = patch.map(({ at }) => columns[at]?.name ?? '').find((name) => primaryKey.includes(name));
  if (keyed === undefined) return;
  throw new EngineError('INVALID_ROW', `set: column ${keyed}: several rows would have the same primary key`, {
    details: { rows: [], invalidRows: 1 },
    hint: 'Nothing was changed. Match one row at a time where its primary key is to change.',
  });
}
