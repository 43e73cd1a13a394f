/** Asks a database, damaged perhaps, for everything that was ever told, and holds the answers against it. Runs in any process. */
import { asSnapshotId, type Engine, EngineError, type EngineOptions, openEngine, toWire } from '../../src/engine/index.ts';

/** A commit as it was acknowledged. */
export interface Told {
  readonly snapshotId: number;
  readonly timestampMs: number;
  readonly table: 'notes' | 'events';
  readonly rows: readonly Record<string, unknown>[];
}

export interface Inspection {
  /** Answers that are not what was written, and failures that are not CORRUPT_DATA. */
  readonly wrong: string[];
  /** What CORRUPT_DATA errors and findings of verify said. */
  readonly found: { readonly file: string; readonly what: string }[];
}

/** Opens a directory, asks for everything that was ever told, and verifies. */
export async function inspect(directory: string, told: readonly Told[], options: Partial<EngineOptions> = {}): Promise<Inspection> {
  const wrong: string[] = [];
  const found: { file: string; what: string }[] = [];
  const attempt = async <T>(what: string, work: () => Promise<T>, expected?: T): Promise<T | undefined> => {
    try {
      const answer = await work();
      if (expected !== undefined && JSON.stringify(answer) !== JSON.stringify(expected))
        wrong.push(`${what}: ${JSON.stringify(answer)?.slice(0, 200)}, written was ${JSON.stringify(expected).slice(0, 200)}`);
      return answer;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'CORRUPT_DATA')
        found.push({ file: String(error.details['file']), what: `${what}: ${error.message}` });
      else wrong.push(`${what}: ${error}`);
      return undefined;
    }
  };
  const maintenance = { flushRows: 1e9, flushBytes: 1e12, autoCompact: false };
  const engine = await attempt('open', () =>
    openEngine({ directory, threads: 1, maintenance, onBackgroundError: (error) => wrong.push(`in the background: ${error}`), ...options }),
  );
  if (engine === undefined) return { wrong, found };
  try {
    for (const { snapshotId, timestampMs, rows } of told) {
      await attempt(`commit ${snapshotId}`, async () => {
        const commit = engine.read.history.commit(asSnapshotId(snapshotId));
        return [commit.snapshotId, commit.timestampMs, commit.snapshots[0]?.insertedRows];
      }, [snapshotId, timestampMs, rows.length]);
      const last = told.findLast((other) => other.timestampMs <= timestampMs);
      await attempt(
        `as of time of ${snapshotId}`,
        async () => (await engine.read.resolve({ kind: 'timestamp', timestampMs })).snapshotId as number,
        last?.snapshotId,
      );
    }
    const lo = told.at(0)?.snapshotId ?? 0;
    const hi = told.at(-1)?.snapshotId ?? 0;
    for (const table of ['notes', 'events'] as const) {
      for (const at of [hi, lo, ...[1, 2, 3, 4].map((fifth) => lo + Math.floor(((hi - lo) * fifth) / 5))]) {
        const rows = told.filter((commit) => commit.table === table && commit.snapshotId <= at).flatMap((commit) => commit.rows);
        await attempt(`${table} as of ${at}`, () => rowsAt(engine, table, at), rows);
        await attempt(`count of ${table} as of ${at}`, () => countAsOf(engine, table, at), rows.length);
      }
    }
    const notes = engine.findTable('notes');
    for (const { table, rows } of notes === undefined ? [] : told) {
      if (table !== 'notes' || notes === undefined) continue;
      const target = { tableId: notes.id, schema: notes.schema, snapshotId: engine.headSnapshotId, nextRow: notes.last.nextRow };
      for (const row of rows) {
        await attempt(
          `notes by key ${row['id']}`,
          async () => String((await engine.read.rowByKey(target, { id: row['id'] }, notes.schema.columns))?.cells[1] ?? null),
          String(row['body']),
        );
      }
    }
    const report = await attempt('verify', () => engine.verify());
    for (const finding of report?.findings ?? []) found.push(finding);
  } finally {
    await attempt('close', () => engine.close());
  }
  return { wrong, found };
}

async function countAsOf(engine: Engine, table: string, snapshotId: number): Promise<number> {
  const instant = await engine.read.resolve({ kind: 'snapshot', snapshotId });
  const at = await engine.read.tableAt(engine.table(table), instant.snapshotId);
  return at === undefined ? -1 : engine.read.count(at, undefined);
}

async function rowsAt(engine: Engine, table: string, snapshotId: number): Promise<Record<string, unknown>[]> {
  const at = await engine.read.tableAt(engine.table(table), asSnapshotId(snapshotId));
  if (at === undefined) throw new Error(`${table} did not exist at snapshot ${snapshotId}`);
  const page = await engine.read.page(at, { first: 1000 });
  return page.rows.map(({ cells }) =>
    Object.fromEntries(page.columns.map((column, index) => [column.name, toWire(column, cells[index] ?? null)])),
  );
}
