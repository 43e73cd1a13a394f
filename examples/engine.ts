/**
 * The engine without a server: a table, three commits, and the same question as of now and as of then.
 * Run it from a checkout with `npx tsx examples/engine.ts`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
// An application writes: import { openEngine } from 'tidemark/engine';
import { type AsOf, openEngine, toWire } from '../src/engine/index.ts';

const directory = await mkdtemp(join(tmpdir(), 'tidemark-example-'));
const engine = await openEngine({ directory });
const stopListening = engine.onCommits((commits) => {
  for (const { snapshotId, message } of commits) console.log(`snapshot ${snapshotId}: ${message ?? 'no message'}`);
});

await engine.createTable(
  {
    name: 'readings',
    columns: [
      { name: 'sensor', type: 'STRING', required: true },
      { name: 'celsius', type: 'DOUBLE', required: true },
    ],
  },
  { message: 'a table of readings' },
);
const morning = await engine.append(
  'readings',
  [
    { sensor: 'pier', celsius: 11.5 },
    { sensor: 'harbour', celsius: 12.25 },
  ],
  { message: 'morning' },
);
await engine.append('readings', [{ sensor: 'pier', celsius: 14 }], { message: 'noon' });

/** The rows of a table as of an instant, as objects. */
async function rowsAsOf(asOf: AsOf): Promise<Record<string, unknown>[]> {
  const { snapshotId } = await engine.read.resolve(asOf);
  const at = await engine.read.tableAt(engine.table('readings'), snapshotId);
  if (at === undefined) return [];
  const { columns, rows } = await engine.read.page(at, { first: 50 });
  return rows.map(({ cells }) => Object.fromEntries(columns.map((column, index) => [column.name, toWire(column, cells[index] ?? null)])));
}

console.log('now:', JSON.stringify(await rowsAsOf({ kind: 'newest' })));
console.log('in the morning:', JSON.stringify(await rowsAsOf({ kind: 'snapshot', snapshotId: morning.commit?.snapshotId ?? 0 })));

stopListening();
await engine.close();
await rm(directory, { recursive: true, force: true });
