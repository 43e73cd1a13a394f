import { describe, expect, it } from 'vitest';
import { type CatalogState, EMPTY_STATE } from '../../src/engine/catalog/state.ts';
import { apply } from '../../src/engine/commit/apply/apply.ts';
import { commitEntry, NO_KEYS } from '../../src/engine/commit/write/prepare.ts';
import { encodeHotRows } from '../../src/engine/encoding/codec.ts';
import { newSeed, RootBuilder } from '../../src/engine/encoding/proof.ts';
import type { LogEntry, RowsChange } from '../../src/engine/log/entry.ts';
import { asTimestampMs } from '../../src/engine/model/ids.ts';
import { defineTable } from '../../src/engine/model/schema.ts';

const OPTIONS = { message: null, author: null, properties: null, idempotencyKey: null, expectedSnapshotId: null, expectedRows: null };
const NOTHING = { keyExists: () => false, idempotency: () => undefined };
const applied = (state: CatalogState, entry: LogEntry) => apply(state, entry, asTimestampMs(1), NOTHING);

/** A table with one row, and an entry that brings another, prepared on a base. */
function prepared(): { state: CatalogState; change: (base: RowsChange['base'], schemaVersion?: number) => LogEntry } {
  const definition = defineTable({ name: 't', columns: [{ name: 'n', type: 'INT' }] });
  const created = applied(EMPTY_STATE, commitEntry([{ kind: 'create', table: definition, ifExists: 'ERROR' }], OPTIONS, '', 0)).state;
  const { columns } = definition.schema;
  const bytes = encodeHotRows({ version: 1, columns }, [[1]], 1000) as Buffer;
  const change = (base: RowsChange['base'], schemaVersion = 1): LogEntry =>
    commitEntry(
      [
        {
          kind: 'rows',
          tableId: 1 as RowsChange['tableId'],
          operation: 'UPDATE',
          schemaVersion,
          base,
          insertedRows: 1,
          updatedRows: 0,
          deletedRows: 0,
          newRows: 1,
          hot: { bytes, newRows: 1, versionRows: [] },
          files: [],
          ends: [],
          keys: NO_KEYS,
          changes: null,
          proof: new RootBuilder(newSeed(), columns).finish(),
        },
      ],
      OPTIONS,
      '',
      100,
    );
  return { state: applied(created, change(null)).state, change };
}

describe('apply refuses what was prepared on something else', () => {
  it('takes a change whose base is what the table is', () => {
    const { state, change } = prepared();
    const last = state.tables[1]?.last.snapshotId as never;
    expect(applied(state, change({ snapshotId: last, filesEpoch: 0 })).outcome.kind).toBe('committed');
  });

  it.each([
    ['a table that has changed since', { snapshotId: 1 as never, filesEpoch: 0 }, 1],
    ['rows that have moved since', { snapshotId: 2 as never, filesEpoch: 7 }, 1],
    ['columns that have changed since', null, 9],
  ])('%s: refused, and the state is as it was', (_what, base, schemaVersion) => {
    const { state, change } = prepared();
    const { outcome, state: after, puts } = applied(state, change(base, schemaVersion));
    expect(outcome).toMatchObject({ kind: 'refused', refusal: { code: 'CONFLICT' } });
    expect(after).toBe(state);
    expect(puts).toEqual([]);
  });
});
