/** A long history of tiny commits: few files, and every snapshot of it still exact. */
import { describe, expect, it } from 'vitest';
import { asSnapshotId } from '../../src/engine/index.ts';
import { testEngine } from '../support/support.ts';

const COMMITS = 100_000;
const WRITERS = 64;

describe('a table after 100,000 one-row commits', () => {
  it('has a handful of files, and each of its 100,000 snapshots reads exactly', async () => {
    const engine = await testEngine();
    await engine.createTable({
      name: 'events',
      columns: [
        { name: 'n', type: 'LONG', required: true },
        { name: 'text', type: 'STRING' },
      ],
    });
    /** The value that each snapshot brought, by its id. */
    const brought: bigint[] = [];
    let next = 0;
    await Promise.all(
      Array.from({ length: WRITERS }, async () => {
        while (next < COMMITS) {
          const n = next;
          next += 1;
          const { commit } = await engine.append('events', [{ n, text: `event ${n}` }]);
          brought[commit?.snapshotId ?? 0] = BigInt(n);
        }
      }),
    );
    const table = engine.table('events');
    const first = table.createdSnapshotId + 1;
    expect(engine.headSnapshotId).toBe(first + COMMITS - 1);
    const newest = (await engine.read.tableAt(table, engine.headSnapshotId)) ?? expect.fail('no table');
    expect(engine.read.manifest(newest).length).toBeLessThan(10);

    let wrong = 0;
    for (let snapshotId = first; snapshotId < first + COMMITS; snapshotId += 1) {
      const at = (await engine.read.tableAt(table, asSnapshotId(snapshotId))) ?? expect.fail('no table');
      const { rows, hasPreviousPage } = await engine.read.page(at, { last: 1 });
      const count = snapshotId - first + 1;
      const exact =
        rows.length === 1 && rows[0]?.cells[0] === brought[snapshotId] && at.snapshot.totalRows === count && hasPreviousPage === count > 1;
      if (!exact) wrong += 1;
    }
    expect(wrong).toBe(0);

    for (const count of [1, 2, 777, 19_999, 20_000, 20_001, 55_555, COMMITS]) {
      const at = (await engine.read.tableAt(table, asSnapshotId(first + count - 1))) ?? expect.fail('no table');
      const sums = await engine.read.aggregate(at, { terms: [{ function: 'COUNT' }, { function: 'SUM', column: 'n' }] });
      const expected = brought.slice(first, first + count).reduce((sum, n) => sum + n, 0n);
      expect(sums).toEqual([count, String(expected)]);
    }
  });
});
