/** npm run bench -- [CASE ...] [--json] [--quick]: runs the named cases, or all, and prints what they found. */
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { append } from './cases/append.ts';
import { appendBatch } from './cases/append-batch.ts';
import { change } from './cases/change.ts';
import { diff } from './cases/diff.ts';
import { disk } from './cases/disk.ts';
import { fanout } from './cases/fanout.ts';
import { fanoutDistinct } from './cases/fanout-distinct.ts';
import { history } from './cases/history.ts';
import { idle } from './cases/idle.ts';
import { latency } from './cases/latency.ts';
import { liveQuery } from './cases/live-query.ts';
import { page } from './cases/page.ts';
import { past } from './cases/past.ts';
import { present } from './cases/present.ts';
import { scan } from './cases/scan.ts';
import { schema } from './cases/schema.ts';
import type { BenchCase, Report } from './support.ts';

const CASES: Readonly<Record<string, BenchCase>> = {
  append,
  page,
  'append-batch': appendBatch,
  history,
  scan,
  disk,
  change,
  present,
  past,
  diff,
  fanout,
  'fanout-distinct': fanoutDistinct,
  latency,
  idle,
  'live-query': liveQuery,
  schema,
};

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  return rows
    .map((row) => row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '))
    .join('\n');
}

function shown(report: Report): string {
  const columns = [...new Set(Object.values(report.figures).flatMap((figures) => Object.keys(figures)))];
  const rows = Object.entries(report.figures).map(([name, figures]) => [name, ...columns.map((column) => String(figures[column] ?? ''))]);
  const verdict = report.met === null ? '' : report.met ? ' — met' : ' — MISSED';
  return [
    `${report.case}: ${report.ratio} times ${report.baseline}`,
    `target: ${report.target}${verdict}`,
    table([['', ...columns], ...rows]),
    '',
  ].join('\n');
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean' }, quick: { type: 'boolean' } },
});
const unknown = positionals.find((name) => !(name in CASES));
if (unknown !== undefined) {
  process.stderr.write(`there is no case ${unknown}; the cases are ${Object.keys(CASES).join(', ')}\n`);
  process.exit(2);
}
const json = values.json === true;
if (!json) process.stdout.write(`${cpus().length} cores, ${cpus()[0]?.model ?? 'unknown CPU'}, Node ${process.version}\n\n`);
for (const [name, run] of Object.entries(CASES)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const report = await run({ quick: values.quick === true, note: (text) => process.stderr.write(`${name}: ${text}\n`) });
  process.stdout.write(json ? `${JSON.stringify(report)}\n` : `${shown(report)}\n`);
}
