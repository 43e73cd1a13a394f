/** Writers that commit whatever comes to mind to two tables over HTTP, and send it again, by its key, until it is taken. */
import { expect } from 'vitest';
import { type Answer, query } from './server-support.ts';

export const STATUSES = ['new', 'paid', 'shipped', 'lost'] as const;

export interface Writing {
  readonly url: string;
  /** Ends the patience of those that wait for a server. */
  readonly isOver: () => boolean;
}

type Random = (below: number) => number;

/** Rows with ids of their own. */
class Ids {
  #next = 1;
  take(count: number): number {
    const first = this.#next;
    this.#next += count;
    return first;
  }
  get last(): number {
    return this.#next - 1;
  }
}

/** What the writers share. */
interface Shared {
  readonly ids: Ids;
  /** The newest commit that any of them was told of. */
  head: number;
}

function rows(random: Random, first: number, count: number): Record<string, unknown>[] {
  return Array.from({ length: count }, (_, at) => ({
    order_id: String(first + at),
    customer_id: String(random(5)),
    amount: random(1000) / 4,
    status: STATUSES[random(STATUSES.length)],
  }));
}

/** One commit: a mutation of the generic API and its variables. */
function operation(random: Random, { ids, head }: Shared): { readonly text: string; readonly variables: Record<string, unknown> } {
  const someOf = (span: number): Record<string, unknown> => {
    const from = Math.max(1, random(ids.last + 1));
    return {
      and: [
        { column: 'order_id', gte: String(from) },
        { column: 'order_id', lt: String(from + span) },
      ],
    };
  };
  const set = (): Record<string, unknown> =>
    random(2) === 0 ? { status: STATUSES[random(STATUSES.length)] } : { amount: random(1000) / 4 };
  const [where, rowsOf] = ['($where: Filter!, $options: CommitOptions)', '($rows: [JSON!]!, $options: CommitOptions)'];
  const kind = random(100);
  if (kind < 35)
    return {
      text: `mutation ${rowsOf} { append(table: "orders", rows: $rows, options: $options) { commit { snapshotId } } }`,
      variables: { rows: rows(random, ids.take(3), 3) },
    };
  if (kind < 55)
    return {
      text: 'mutation ($where: Filter!, $set: JSON!, $options: CommitOptions) { update(table: "orders", where: $where, set: $set, options: $options) { commit { snapshotId } } }',
      variables: { where: someOf(6), set: set() },
    };
  if (kind < 65)
    return {
      text: `mutation ${where} { delete(table: "orders", where: $where, options: $options) { commit { snapshotId } } }`,
      variables: { where: someOf(4) },
    };
  if (kind < 75)
    return {
      text: `mutation ${rowsOf} { upsert(table: "orders", rows: $rows, options: $options) { commit { snapshotId } } }`,
      variables: { rows: rows(random, Math.max(1, random(ids.last + 1)), 2) },
    };
  if (kind < 92)
    return {
      text: `mutation ${rowsOf} { append(table: "customers", rows: $rows, options: $options) { commit { snapshotId } } }`,
      variables: { rows: [{ id: random(2 ** 31), name: 'x' }] },
    };
  if (kind < 93)
    return {
      text: 'mutation ($to: AsOfInput!, $options: CommitOptions) { restore(tables: ["orders"], to: $to, options: $options) { commit { snapshotId } } }',
      variables: { to: { snapshotId: Math.max(2, head - random(20)) } },
    };
  if (kind < 98)
    return {
      text: 'mutation ($where: Filter!, $rows: [JSON!]!, $options: CommitOptions) { replace(table: "orders", where: $where, rows: $rows, options: $options) { commit { snapshotId } } }',
      variables: { where: someOf(5), rows: rows(random, ids.take(2), 2) },
    };
  // The last two are told in several events.
  if (kind < 99)
    return {
      text: `mutation ${rowsOf} { append(table: "orders", rows: $rows, options: $options) { commit { snapshotId } } }`,
      variables: { rows: rows(random, ids.take(1_300), 1_300) },
    };
  return {
    text: 'mutation ($where: Filter!, $set: JSON!, $options: CommitOptions) { update(table: "orders", where: $where, set: $set, options: $options) { commit { snapshotId } } }',
    variables: { where: someOf(1_500), set: set() },
  };
}

interface Payload {
  readonly commit: { readonly snapshotId: number } | null;
}

/**
 * Sends a commit until it has been taken: again after a lost connection, and where the server is not there.
 * @returns its number, 0 where there was nothing to commit
 */
export async function committed({ url, isOver }: Writing, text: string, variables: Record<string, unknown>): Promise<number> {
  for (;;) {
    try {
      const { data, errors }: Answer<Record<string, Payload | null> | null> = await query(url, text, variables);
      const code = errors?.[0]?.extensions.code;
      // An id that another writer has brought meanwhile is refused, and nothing is kept: also an outcome.
      if (errors === undefined || code === 'INVALID_ROW') return Object.values(data ?? {})[0]?.commit?.snapshotId ?? 0;
      if (code !== 'SHUTTING_DOWN' && code !== 'OVERLOADED') expect(errors).toBeUndefined();
    } catch (error) {
      if (error instanceof Error && error.name === 'AssertionError') throw error;
      if (isOver()) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** `count` commits by several writers; `onCommit` is told of each. */
export async function write(
  writing: Writing,
  {
    writers,
    count,
    random,
    onCommit,
  }: { readonly writers: number; readonly count: number; readonly random: Random; readonly onCommit: (done: number) => Promise<void> },
): Promise<void> {
  const shared: Shared = { ids: new Ids(), head: 0 };
  let next = 0;
  let done = 0;
  const writer = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) {
      const { text, variables } = operation(random, shared);
      const snapshotId = await committed(writing, text, { ...variables, options: { idempotencyKey: `commit ${number}` } });
      shared.head = Math.max(shared.head, snapshotId);
      done += 1;
      await onCommit(done);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
}
