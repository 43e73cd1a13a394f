import { describe, expect, it } from 'vitest';
import { randomNumbers, scaled, seedOf } from '../support/random.ts';
import { startProcess } from '../support/server-process.ts';
import { query } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

const ROUNDS = scaled(5);
const CLIENTS = 8;
/** Rows of one append; they must be there all, or none. */
const PARTS = 3;
const ATTEMPTS_PER_ROUND_MAX = 100_000;

interface Attempt {
  readonly attempt: number;
  /** The snapshot that the server acknowledged; undefined where it did not answer. */
  snapshotId?: number;
}

const APPEND =
  'mutation ($rows: [JSON!]!, $message: String) { append(table: "log", rows: $rows, options: {message: $message}) { commit { snapshotId } } }';

/** Clients that append without a pause until the server dies. @returns all that they tried */
async function appendUntilKilled(url: string, first: number, killAt: number, kill: () => void): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let acknowledged = 0;
  const client = async (): Promise<void> => {
    for (;;) {
      const attempt: Attempt = { attempt: first + attempts.length };
      attempts.push(attempt);
      const rows = Array.from({ length: PARTS }, (_, part) => ({ attempt: attempt.attempt, part }));
      try {
        const { data, errors } = await query<{ append: { commit: { snapshotId: number } } }>(url, APPEND, {
          rows,
          message: String(attempt.attempt),
        });
        if (errors !== undefined) throw new Error(`refused: ${JSON.stringify(errors)}`);
        if (data == null) return;
        attempt.snapshotId = data.append.commit.snapshotId;
      } catch (error) {
        // A dead server is a failed fetch, or an answer that was cut; anything else is a failure of the test.
        if (error instanceof Error && error.message.startsWith('refused')) throw error;
        return;
      }
      acknowledged += 1;
      if (acknowledged === killAt) kill();
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return attempts;
}

/** Every commit of the catalog, oldest first, by its message. */
async function commitsOf(url: string): Promise<Map<string, number>> {
  type Data = {
    commits: { nodes: { snapshotId: number; message: string | null }[]; pageInfo: { hasNextPage: boolean; endCursor: string } };
  };
  const document =
    'query ($after: String) { commits(first: 1000, after: $after) { nodes { snapshotId message } pageInfo { hasNextPage endCursor } } }';
  const found: Data['commits']['nodes'] = [];
  for (let after: string | null = null; ; ) {
    const { data }: { data?: Data | null } = await query<Data>(url, document, { after });
    if (data == null) throw new Error('commits could not be read');
    found.push(...data.commits.nodes);
    if (!data.commits.pageInfo.hasNextPage) break;
    after = data.commits.pageInfo.endCursor;
  }
  expect(found.map(({ snapshotId }) => snapshotId)).toEqual(Array.from({ length: found.length }, (_, index) => found.length - index));
  return new Map(found.map(({ snapshotId, message }) => [message ?? '', snapshotId]));
}

/** The rows of one round: attempt -> parts and the snapshot that brought them. */
async function rowsFrom(url: string, first: number): Promise<Map<number, { parts: number[]; from: Set<number> }>> {
  type Row = { attempt: number; part: number; _fromSnapshotId: number };
  type Data = { asOf: { log: { nodes: Row[]; pageInfo: { hasNextPage: boolean; endCursor: string } } } };
  const document =
    'query ($first: Int, $after: String) { asOf { log(where: {attempt: {gte: $first}}, first: 1000, after: $after) { nodes { attempt part _fromSnapshotId } pageInfo { hasNextPage endCursor } } } }';
  const found = new Map<number, { parts: number[]; from: Set<number> }>();
  for (let after: string | null = null; ; ) {
    const { data }: { data?: Data | null } = await query<Data>(url, document, { first, after });
    if (data == null) throw new Error('rows could not be read');
    for (const { attempt, part, _fromSnapshotId } of data.asOf.log.nodes) {
      const at = found.get(attempt) ?? { parts: [], from: new Set() };
      at.parts.push(part);
      at.from.add(_fromSnapshotId);
      found.set(attempt, at);
    }
    if (!data.asOf.log.pageInfo.hasNextPage) return found;
    after = data.asOf.log.pageInfo.endCursor;
  }
}

/** Holds what the server has after a restart against what the clients of the last round tried and heard. */
async function check(url: string, attempts: readonly Attempt[], first: number, total: number): Promise<number> {
  const commits = await commitsOf(url);
  const rows = await rowsFrom(url, first);
  const tried = new Set(attempts.map(({ attempt }) => attempt));
  for (const [attempt, { parts, from }] of rows) {
    expect(tried.has(attempt), `attempt ${attempt} was made`).toBe(true);
    expect(parts, `attempt ${attempt} is whole`).toEqual([0, 1, 2]);
    expect([...from]).toEqual([commits.get(String(attempt))]);
  }
  for (const { attempt, snapshotId } of attempts)
    if (snapshotId !== undefined) expect([...(rows.get(attempt)?.from ?? [])], `acknowledged attempt ${attempt}`).toEqual([snapshotId]);
  const { data } = await query<{ asOf: { log: { totalCount: number } } }>(url, '{ asOf { log { totalCount } } }');
  expect(data?.asOf.log.totalCount).toBe(total + rows.size * PARTS);
  return total + rows.size * PARTS;
}

describe('a server that is killed loses nothing that it acknowledged', () => {
  it(`over ${ROUNDS} kills in the middle of appends of ${CLIENTS} clients`, { timeout: 90_000 * Math.max(1, ROUNDS / 20) }, async () => {
    const random = randomNumbers(seedOf('server crash test'));
    const directory = await temporaryDirectory();
    let last: readonly Attempt[] = [];
    let total = 0;
    let acknowledged = 0;
    for (let round = 0; round <= ROUNDS; round += 1) {
      const { url, child, exited } = await startProcess({ args: ['--port', '0', '--data', directory] });
      if (round === 0) {
        const columns = '[{name: "attempt", type: INT, required: true}, {name: "part", type: INT, required: true}]';
        await query(url, `mutation { createTable(input: {name: "log", columns: ${columns}}) { replayed } }`);
      } else total = await check(url, last, (round - 1) * ATTEMPTS_PER_ROUND_MAX, total);
      if (round === ROUNDS) break;
      last = await appendUntilKilled(url, round * ATTEMPTS_PER_ROUND_MAX, 1 + random(300), () => child.kill('SIGKILL'));
      expect((await exited).signal).toBe('SIGKILL');
      acknowledged += last.filter(({ snapshotId }) => snapshotId !== undefined).length;
    }
    expect(acknowledged).toBeGreaterThan(ROUNDS * 10);
    expect(total).toBeGreaterThanOrEqual(acknowledged * PARTS);
  });
});
