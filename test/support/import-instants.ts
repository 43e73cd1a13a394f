/** Imports files of instants into a table in a directory and prints what became of each, and what is read: run with TZ set. */
import { EngineError, openEngine, toWire } from '../../src/engine/index.ts';

const [directory = '', ...paths] = process.argv.slice(2);
const engine = await openEngine({ directory });
await engine.createTable({ name: 't', columns: [{ name: 'x', type: 'TIMESTAMPTZ' }] });
const outcomes: string[] = [];
for (const path of paths) {
  try {
    await engine.appendFile('t', path);
    outcomes.push('taken');
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    outcomes.push(error.code);
  }
}
const { snapshotId } = await engine.read.resolve({ kind: 'newest' });
const at = await engine.read.tableAt(engine.table('t'), snapshotId);
if (at === undefined) throw new Error('the table is there');
const page = await engine.read.page(at, {});
const read = page.rows.map(({ cells: [cell = null] }) => toWire(page.columns[0] as (typeof page.columns)[0], cell));
await engine.close();
process.stdout.write(JSON.stringify({ outcomes, read }));
