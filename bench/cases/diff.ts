/** What a commit changed, read from a table of ten million rows and from one of a million. */
import { join } from 'node:path';
import { asSnapshotId, type Engine, openEngine, type SnapshotId } from '../../src/engine/index.ts';
import { importOrders, unkeyed } from '../orders.ts';
import { type BenchOptions, type Figures, interleaved, median, type Report, rounded, timed, withDirectory } from '../support.ts';

const TARGET = 1.5;
const CHANGED = 100;
const FILE_ROWS = 2_500_000;

type Size = 'small' | 'large';
type Step = Readonly<Record<Size, SnapshotId>>;

/** One commit that changes rows scattered over the table. */
async function changeOf(engine: Engine, name: Size, rows: number): Promise<SnapshotId> {
  const values = Array.from({ length: CHANGED }, (_, at) => String(Math.floor(((at + 0.5) * rows) / CHANGED)));
  const { updatedRows } = await engine.update(
    name,
    { kind: 'in', column: 'order_id', values, negated: false },
    { status: 'shipped', amount: 1.25 },
  );
  if (updatedRows !== CHANGED) throw new Error(`the commit changed ${updatedRows} rows`);
  return engine.table(name).last.snapshotId;
}

/** The changes of a commit: how many, and all of them. */
async function readDiff(engine: Engine, name: Size, snapshotId: SnapshotId): Promise<void> {
  const diff = await engine.read.diff(engine.table(name), { from: asSnapshotId(snapshotId - 1), to: snapshotId, mode: 'NET' });
  const { changes } = await diff.page({ first: 1000 });
  if (diff.updatedRows !== CHANGED || diff.insertedRows + diff.deletedRows > 0 || changes.length !== CHANGED)
    throw new Error(`the diff has ${diff.updatedRows} updated rows and ${changes.length} changes`);
  const [change] = changes;
  if (change?.before?.cells[3] === 'shipped' || change?.after?.cells[3] !== 'shipped') throw new Error('the diff has other values');
}

async function measure(engine: Engine, step: Step, rounds: number): Promise<Figures & { readonly ratio: number }> {
  const first = { small: await timed(() => readDiff(engine, 'small', step.small)), large: 0 };
  first.large = await timed(() => readDiff(engine, 'large', step.large));
  const runs = {
    small: () => timed(() => readDiff(engine, 'small', step.small)),
    large: () => timed(() => readDiff(engine, 'large', step.large)),
  };
  await interleaved(5, runs);
  const found = await interleaved(rounds, runs);
  const [small, large] = [median(found.small), median(found.large)];
  return {
    ratio: rounded(large / small),
    'small ms': rounded(small),
    'large ms': rounded(large),
    'first small ms': rounded(first.small),
    'first large ms': rounded(first.large),
  };
}

export function diff({ quick, note }: BenchOptions): Promise<Report> {
  const rows = quick ? { small: 20_000, large: 200_000 } : { small: 1_000_000, large: 10_000_000 };
  const rounds = quick ? 7 : 51;
  return withDirectory(async (directory) => {
    const engine = await openEngine({ directory: join(directory, 'tidemark'), maintenance: { autoCompact: false } });
    try {
      const setup = await timed(async () => {
        for (const name of ['small', 'large'] as const)
          await importOrders(engine, directory, unkeyed(name), rows[name], { fileRows: FILE_ROWS });
      });
      note(`${rows.small} and ${rows.large} rows imported in ${Math.round(setup / 1000)} s`);
      const step: Step = { small: await changeOf(engine, 'small', rows.small), large: await changeOf(engine, 'large', rows.large) };
      const after = await measure(engine, step, rounds);
      const compactMs = await timed(() => engine.compact());
      note(`compacted in ${Math.round(compactMs / 1000)} s`);
      const compacted = await measure(engine, step, rounds);
      const ratio = Math.max(after.ratio, compacted.ratio);
      return {
        case: 'diff',
        ratio,
        baseline: `the same diff in a table of ${rows.small} rows (against ${rows.large}; ${CHANGED} rows changed; the higher of the two)`,
        target: `at most ${TARGET}`,
        met: ratio <= TARGET,
        figures: { 'after the commit': after, 'after compaction': compacted },
      };
    } finally {
      await engine.close();
    }
  });
}
