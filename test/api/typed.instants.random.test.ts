/**
 * Typed rows at every instant of histories in which columns were widened, made optional, dropped, and brought back as they
 * were by restores. The generic API, which shows each snapshot with the columns of then, says what they have to be.
 */
import { describe, expect, it } from 'vitest';
import { randomNumbers } from '../support/random.ts';
import { type Loose, liveClient, subscribe, type TestServer, testServer } from '../support/server-support.ts';

const SEEDS = [1, 2, 3, 4, 5, 6];
const STEPS = 26;

type Below = ReturnType<typeof randomNumbers>;

interface ColumnFacts {
  readonly fieldId: number;
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly precision: number | null;
  readonly default: unknown;
}

interface Then {
  readonly columns: readonly ColumnFacts[];
  readonly rows: readonly Loose[];
}

const CREATE = `mutation { createTable(input: { name: "t", primaryKey: ["k"], columns: [
  { name: "k", type: INT }, { name: "a", type: STRING, required: true }, { name: "n", type: INT, required: true },
  { name: "d", type: DECIMAL, precision: 4, scale: 2, required: true }, { name: "f", type: FLOAT, required: true } ] }) { replayed } }`;

const WIDEN: Readonly<Record<string, string>> = { k: 'type: LONG', n: 'type: LONG', d: 'precision: 9', f: 'type: DOUBLE' };

/** A value that fits the column as it is; where it is wide, often one that did not fit before. */
function valueFor(below: Below, { type, precision, required }: ColumnFacts): unknown {
  if (!required && below(3) === 0) return null;
  const isLarge = below(2) === 0;
  switch (type) {
    case 'STRING':
      return `text ${below(100)}`;
    case 'INT':
      return below(1000);
    case 'LONG':
      return isLarge ? `90071992547409${10 + below(80)}` : String(below(1000));
    case 'DECIMAL':
      return isLarge && precision === 9 ? `12345.${10 + below(80)}` : `${below(90)}.25`;
    case 'FLOAT':
      return below(100) / 2;
    default:
      return isLarge ? below(100) + 0.1 : below(100) / 2;
  }
}

async function columnsNow(server: TestServer): Promise<readonly ColumnFacts[]> {
  const { table } = await server.data<{ table: { columns: ColumnFacts[] } }>(
    '{ table(name: "t") { columns { fieldId name type required precision default } } }',
  );
  return table.columns;
}

async function head(server: TestServer): Promise<number> {
  return (await server.data<{ asOf: { snapshotId: number } }>('{ asOf { snapshotId } }')).asOf.snapshotId;
}

/** One random step; refused steps (a column that is wide already, nothing to change) are steps too. */
async function step(server: TestServer, below: Below, nextKey: number): Promise<void> {
  const columns = await columnsNow(server);
  const row = (): Loose =>
    Object.fromEntries(columns.map((column) => [column.name, column.name === 'k' ? nextKey : valueFor(below, column)]));
  const pick = columns[below(columns.length)] as ColumnFacts;
  const alter = (change: Loose) =>
    server.query('mutation ($c: [TableChange!]!) { alterTable(table: "t", changes: $c) { replayed } }', { c: [change] });
  switch (below(9)) {
    case 0:
      return void (await alter({ makeOptional: { name: pick.name } }));
    case 1:
    case 2:
      return void (await server.query(
        `mutation { alterTable(table: "t", changes: [{ widenColumn: { name: "${pick.name}", ${WIDEN[pick.name] ?? 'type: LONG'} } }]) { replayed } }`,
      ));
    case 3:
      return void (columns.length > 2 && (await alter({ dropColumn: { name: pick.name } })));
    case 4: {
      const to = 1 + below(await head(server));
      return void (await server.data(`mutation { restore(to: { snapshotId: ${to} }) { replayed } }`));
    }
    case 5:
      return void (await server.query('mutation ($s: JSON!) { update(table: "t", where: { column: "k", gte: 0 }, set: $s) { replayed } }', {
        s: { [pick.name]: pick.name === 'k' ? undefined : valueFor(below, pick) },
      }));
    default: {
      const wide = columns.some(({ name, type }) => name === 'k' && type === 'LONG') && below(3) === 0;
      const added = { ...row(), ...(wide ? { k: String(9_000_000_000 + nextKey) } : {}) };
      return void (await server.data('mutation ($r: [JSON!]!) { append(table: "t", rows: $r) { insertedRows } }', { r: [added] }));
    }
  }
}

/** A value of then as a column of now shows it; undefined stands for what then had no column for. */
function asNow(then: ColumnFacts | undefined, value: unknown, now: ColumnFacts): unknown {
  if (then === undefined || value === null) return null;
  if (now.type === 'INT' && then.type === 'LONG') return Number(value) <= 2147483647 ? Number(value) : null;
  if (now.type === 'LONG') return String(value);
  if (now.type === 'FLOAT' && then.type === 'DOUBLE') return Math.fround(value as number) === value ? value : null;
  if (now.type === 'DECIMAL' && (now.precision ?? 0) < (then.precision ?? 0)) return Number(value) < 100 ? value : null;
  return value;
}

describe.each(SEEDS)('history %i', (seed) => {
  it.each(['hot', 'in files'])('typed rows, diffs, keys and events are right at all instants, with rows %s', async (where) => {
    const server = await testServer();
    const below = randomNumbers(seed);
    await server.data(CREATE);
    for (let at = 0; at < STEPS; at += 1) {
      await step(server, below, at);
      if (where === 'in files' && at % 5 === 4) await server.data('mutation { compact(table: "t") { flushedRows } }');
    }
    const newest = await head(server);
    const now = await columnsNow(server);
    const fields = now.map(({ name }) => name).join(' ');
    const snapshots = Array.from({ length: newest }, (_, index) => index + 1);

    const past = await server.data<Record<string, { asOf: { columns: ColumnFacts[]; rows: { nodes: Loose[] } } }>>(
      `{ ${snapshots.map((id) => `s${id}: table(name: "t") { asOf(snapshotId: ${id}) { columns { fieldId name type required precision } rows(first: 1000) { nodes } } }`).join(' ')} }`,
    );
    const then = new Map<number, Then>(
      snapshots.map((id) => [id, { columns: past[`s${id}`]?.asOf.columns ?? [], rows: past[`s${id}`]?.asOf.rows.nodes ?? [] }]),
    );
    const typed = await server.data<Record<string, { t: { nodes: Loose[]; totalCount: number } }>>(
      `{ ${snapshots.map((id) => `s${id}: asOf(snapshotId: ${id}) { t(first: 1000) { nodes { _rowId ${fields} } totalCount } }`).join(' ')} }`,
    );
    const rowsOf = (id: number): readonly Loose[] => typed[`s${id}`]?.t.nodes ?? [];
    for (const [id, { columns, rows }] of then) {
      const expected = rows.map((row) =>
        Object.fromEntries(
          now.map((column) => {
            const before = columns.find(({ fieldId }) => fieldId === column.fieldId);
            return [column.name, asNow(before, row[before?.name ?? ''] ?? null, column)];
          }),
        ),
      );
      expect(
        rowsOf(id).map(({ _rowId, ...row }) => row),
        `rows at ${id}`,
      ).toEqual(expected);
    }

    const shown = (id: number, rowId: unknown): Loose | null => rowsOf(id).find(({ _rowId }) => _rowId === rowId) ?? null;
    const side = `{ _rowId ${fields} }`;
    const middle = 1 + Math.floor(newest / 2);
    for (const [from, to] of [
      [1, newest],
      [middle, newest],
      [newest, middle],
    ] as const) {
      const { diff } = await server.data<{ diff: { t: { changes: { nodes: { before: Loose | null; after: Loose | null }[] } } } }>(
        `{ diff(from: { snapshotId: ${from} }, to: { snapshotId: ${to} }) { t { changes(first: 1000) { nodes { before ${side} after ${side} } } } } }`,
      );
      for (const { before, after } of diff.t.changes.nodes) {
        expect(before ?? shown(from, after?.['_rowId'])).toEqual(shown(from, (before ?? after)?.['_rowId']));
        expect(after ?? shown(to, before?.['_rowId'])).toEqual(shown(to, (before ?? after)?.['_rowId']));
      }
    }

    const events = await subscribe<{
      tChanges: { snapshotId: number; caughtUp: boolean; changes: { before: Loose | null; after: Loose | null }[] };
    }>(
      server,
      liveClient(server.url),
      `subscription { tChanges(after: "0") { snapshotId caughtUp changes { before ${side} after ${side} } } }`,
    );
    const { table } = await server.data<{ table: { snapshots: { nodes: { snapshotId: number; summary: Record<string, number> }[] } } }>(
      '{ table(name: "t") { snapshots(first: 1000) { nodes { snapshotId summary { insertedRows updatedRows deletedRows } } } } }',
    );
    const last = table.snapshots.nodes.find(({ summary }) => Object.values(summary).some((count) => count > 0))?.snapshotId ?? 0;
    for (let seen = 0; seen < last; ) {
      const { tChanges } = await events.take();
      seen = tChanges.snapshotId;
      for (const { before, after } of tChanges.changes) {
        if (after !== null) expect(after, `after ${seen}`).toEqual(shown(seen, after['_rowId']));
        if (before !== null) expect(before, `before ${seen}`).toEqual(shown(seen - 1, before['_rowId']));
      }
    }
  });
});
