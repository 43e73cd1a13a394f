/**
 * The process that test/catalog/crash.test.ts kills: appends to one table, many commits at once, small and large, with flush
 * and compaction running, and tells on stdout what it tries and what was acknowledged. Lines, fields by spaces:
 * `opening`, `ready <head>`, `try <attempt> <rows>`, `ok <attempt> <snapshotId> <first row> <rows>`.
 * Arguments: data directory, round, seed.
 */
import { writeSync } from 'node:fs';
import { openEngine } from '../../src/engine/index.ts';
import { type CrashRow, crashRow, crashTable } from './crash-rows.ts';
import { randomNumbers } from './random.ts';

const [directory = '', round = '0', seed = '0'] = process.argv.slice(2);
const random = randomNumbers(Number(seed));
const WRITERS = 12;

/** Written to the end before it returns: a kill cannot take back a line. */
function tell(...fields: readonly (string | number)[]): void {
  writeSync(1, `${fields.join(' ')}\n`);
}

function sizeOfNext(): number {
  const choice = random(100);
  if (choice < 70) return 1;
  return choice < 92 ? 2 + random(30) : 70 + random(60);
}

async function write(writer: number): Promise<never> {
  for (let turn = 0; ; turn += 1) {
    const attempt = `${round}-${writer}-${turn}`;
    const count = sizeOfNext();
    const rows: CrashRow[] = Array.from({ length: count }, (_, part) => crashRow(Number(round), attempt, part, count));
    tell('try', attempt, count);
    const { commit, rows: appended } = await engine.append('log', rows, { message: attempt });
    tell('ok', attempt, commit?.snapshotId ?? 0, appended[0]?.rowId ?? -1, appended.length);
  }
}

tell('opening');
const engine = await openEngine({
  directory,
  threads: 2,
  maintenance: { flushRows: 60, flushBytes: 256 * 1024, autoCompact: true },
  onBackgroundError: (error) => tell('failed', String(error).replaceAll('\n', ' ')),
});
await engine.createTable({ ...crashTable, ifExists: 'IGNORE' });
tell('ready', engine.headSnapshotId);
await Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)));
