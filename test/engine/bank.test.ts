import { describe, expect, it } from 'vitest';
import { asSnapshotId, type ChangeResult, type Engine, type Filter, type TableAt } from '../../src/engine/index.ts';
import { randomNumbers, seedOf } from '../support/random.ts';
import { failureOf, rowsAsOf, testEngine } from '../support/support.ts';

const ACCOUNTS = 20;
const EACH = 100;

const account = (n: number): Filter => ({ kind: 'compare', column: 'account', operator: 'eq', value: n });
const isCode = (error: unknown, code: string): boolean => (error as { code?: string }).code === code;

async function newest(engine: Engine, name: string): Promise<TableAt> {
  const { snapshotId } = await engine.read.resolve({ kind: 'newest' });
  const at = await engine.read.tableAt(engine.table(name), snapshotId);
  if (at === undefined) throw new Error(`no table ${name}`);
  return at;
}

async function balanceOf(engine: Engine, at: TableAt, n: number): Promise<bigint> {
  const row = await engine.read.rowByKey(at, { account: n }, at.schema.columns);
  return (row?.cells[1] ?? 0n) as bigint;
}

/** Moves money between two accounts, as often as it takes. @returns how often it met a CONFLICT */
async function transfer(engine: Engine, from: number, to: number, amount: bigint): Promise<number> {
  for (let conflicts = 0; ; conflicts += 1) {
    const at = await newest(engine, 'accounts');
    const [source, target] = [await balanceOf(engine, at, from), await balanceOf(engine, at, to)];
    if (source < amount) return conflicts;
    try {
      await engine.commit(
        [
          { kind: 'update', table: 'accounts', where: account(from), set: { balance: String(source - amount) } },
          { kind: 'update', table: 'accounts', where: account(to), set: { balance: String(target + amount) } },
          { kind: 'upsert', table: 'ledger', rows: [{ from, to, amount: String(amount) }] },
        ],
        // Of the ledger too: it changes with the accounts, and by others besides.
        { expectedSnapshotId: at.snapshotId },
      );
      return conflicts;
    } catch (error) {
      if (!isCode(error, 'CONFLICT')) throw error;
    }
  }
}

async function bank(): Promise<Engine> {
  const engine = await testEngine({ maintenance: { flushRows: 40, flushBytes: 1e9, autoCompact: true } });
  await engine.createTable({
    name: 'accounts',
    columns: [
      { name: 'account', type: 'INT' },
      { name: 'balance', type: 'LONG', required: true },
      { name: 'note', type: 'STRING' },
    ],
    primaryKey: ['account'],
  });
  await engine.createTable({
    name: 'ledger',
    columns: [
      { name: 'from', type: 'INT' },
      { name: 'to', type: 'INT' },
      { name: 'amount', type: 'LONG' },
    ],
    primaryKey: ['from', 'to'],
  });
  await engine.createTable({
    name: 'visits',
    columns: [
      { name: 'who', type: 'INT' },
      { name: 'times', type: 'INT' },
    ],
    primaryKey: ['who'],
  });
  await engine.append(
    'accounts',
    Array.from({ length: ACCOUNTS }, (_, n) => ({ account: n, balance: String(EACH) })),
  );
  return engine;
}

const times = (count: number, work: (n: number) => Promise<unknown>): Promise<unknown>[] =>
  Array.from({ length: count }, (_, n) => work(n));

/** The work one after another, while other such chains run. */
async function chain(count: number, work: (n: number) => Promise<unknown>): Promise<void> {
  for (let n = 0; n < count; n += 1) await work(n);
}

describe('a bank: transfers while accounts are opened, closed, changed and the table is compacted', () => {
  it('has the same total at every snapshot, and only who expects a snapshot meets a CONFLICT', { timeout: 120_000 }, async () => {
    const below = randomNumbers(seedOf('bank'));
    const engine = await bank();
    const first = engine.headSnapshotId;
    let conflicts = 0;
    const move = async (): Promise<void> => {
      const from = below(ACCOUNTS);
      const to = (from + 1 + below(ACCOUNTS - 1)) % ACCOUNTS;
      conflicts += await transfer(engine, from, to, BigInt(1 + below(30)));
    };
    const opened = (n: number): number => 1000 + n;
    await Promise.all([
      ...times(6, () => chain(8, move)),
      // Accounts without money come, are changed blindly, and those that have none go, one by one and all at once.
      ...times(3, (part) => chain(20, (n) => engine.append('accounts', [{ account: opened(part * 100 + n), balance: '0' }]))),
      ...times(2, (part) => chain(15, (n) => engine.delete('accounts', both(account(opened(part * 100 + n)), EMPTY)))),
      chain(4, () => engine.delete('accounts', both(EMPTY, { kind: 'compare', column: 'account', operator: 'gte', value: 1000 }))),
      ...times(3, (part) => chain(12, (n) => engine.update('accounts', account(below(ACCOUNTS)), { note: `seen ${part} ${n}` }))),
      ...times(3, (part) => chain(15, (n) => engine.upsert('visits', [{ who: n % 5, times: part * 100 + n }]))),
      // Over two tables, named in the other order than by the transfers.
      ...times(2, (part) =>
        chain(10, (n) =>
          engine.commit([
            { kind: 'upsert', table: 'ledger', rows: [{ from: n, to: n, amount: String(part) }] },
            { kind: 'update', table: 'accounts', where: account(n), set: { note: `audited ${part}` } },
          ]),
        ),
      ),
      chain(6, () => engine.compact('accounts')),
      chain(3, () => engine.compact()),
    ]);
    expect(engine.headSnapshotId).toBeGreaterThan(first + 100);
    console.log(`bank: ${engine.headSnapshotId - first} commits, ${conflicts} conflicts`);
    for (let snapshotId = first; snapshotId <= engine.headSnapshotId; snapshotId = asSnapshotId(snapshotId + 1)) {
      const at = await engine.read.tableAt(engine.table('accounts'), snapshotId);
      if (at === undefined) throw new Error(`no accounts at ${snapshotId}`);
      const terms = [{ function: 'SUM', column: 'balance' }, { function: 'COUNT' }, { function: 'MIN', column: 'balance' }] as const;
      const [sum, count, least] = await engine.read.aggregate(at, { terms });
      expect({ snapshotId, sum, count }).toEqual({ snapshotId, sum: String(ACCOUNTS * EACH), count: at.snapshot.totalRows });
      expect(Number(least), `the least balance at ${snapshotId}`).toBeGreaterThanOrEqual(0);
    }
    expect((await engine.verify()).findings).toEqual([]);
  });

  it('lets exactly one of those that expect the same snapshot through', async () => {
    const engine = await bank();
    const expectedSnapshotId = engine.headSnapshotId;
    const answers = await Promise.all(
      times(12, (n) =>
        engine.update('accounts', account(n), { balance: '1' }, { expectedSnapshotId }).then(
          () => 'done',
          (error: unknown) => (error as { code?: string }).code,
        ),
      ),
    );
    expect(answers.filter((answer) => answer === 'done')).toHaveLength(1);
    expect(answers.filter((answer) => answer === 'CONFLICT')).toHaveLength(11);
    expect((await failureOf(engine.delete('accounts', account(3), { expectedSnapshotId }))).code).toBe('CONFLICT');
  });

  it('never gives two appends and upserts of one key two rows', async () => {
    const engine = await bank();
    const answers = await Promise.all(
      times(30, (n) =>
        (n % 3 === 0
          ? engine.upsert('accounts', [{ account: 500, balance: '0', note: `upsert ${n}` }])
          : engine.append('accounts', [{ account: 500, balance: '0', note: `append ${n}` }])
        ).then(
          ({ insertedRows, updatedRows }) => `${insertedRows} ${updatedRows}`,
          (error: unknown) => (error as { code?: string }).code,
        ),
      ),
    );
    expect(answers.filter((answer) => answer === '1 0')).toHaveLength(1);
    const upserts = answers.filter((_answer, n) => n % 3 === 0);
    expect(upserts.filter((answer) => answer !== '1 0' && answer !== '0 1')).toEqual([]);
    expect(answers.filter((answer, n) => n % 3 !== 0 && answer !== '1 0' && answer !== 'INVALID_ROW')).toEqual([]);
    const found = await engine.read.count(await newest(engine, 'accounts'), account(500));
    expect(found).toBe(1);
  });
});

const EMPTY: Filter = { kind: 'compare', column: 'balance', operator: 'eq', value: '0' };
const both = (...filters: Filter[]): Filter => ({ kind: 'and', filters });
const status = (value: string): Filter => ({ kind: 'compare', column: 'status', operator: 'eq', value });

/** What a change does to a plain list of rows, and the counts that it answers with. */
type Replay = (rows: Map<number, PlainRow>) => { insertedRows: number; updatedRows: number; deletedRows: number };
interface PlainRow {
  readonly n: number;
  readonly status: string;
}

describe('changes that read before they write', () => {
  for (const key of [false, true]) {
    const kind = key ? 'with' : 'without';
    it(`give what one after another in the order of their snapshots gives, in a table ${kind} a primary key`, {
      timeout: 120_000,
    }, async () => {
      const below = randomNumbers(seedOf(`serializable ${kind} key`));
      const engine = await testEngine({ maintenance: { flushRows: 60, flushBytes: 1e9, autoCompact: true } });
      const columns = [{ name: 'n', type: 'INT' } as const, { name: 'status', type: 'STRING' } as const];
      await engine.createTable({ name: 'tasks', columns, primaryKey: key ? ['n'] : null });
      const done: { readonly result: ChangeResult; readonly replay: Replay }[] = [];
      const unchanged: ChangeResult[] = [];
      const make = async (work: Promise<ChangeResult>, replay: Replay): Promise<void> => {
        const result = await work;
        if (result.commit === null) unchanged.push(result);
        else done.push({ result, replay });
      };
      let next = 0;
      const append = (count: number): Promise<void> => {
        const rows = Array.from({ length: count }, (): PlainRow => ({ n: next++, status: 'a' }));
        return make(engine.append('tasks', rows), (all) => {
          for (const row of rows) all.set(row.n, row);
          return { insertedRows: count, updatedRows: 0, deletedRows: 0 };
        });
      };
      const update = (from: string, to: string): Promise<void> =>
        make(engine.update('tasks', status(from), { status: to }), (all) => {
          const hit = [...all.values()].filter((row) => row.status === from);
          for (const { n } of hit) all.set(n, { n, status: to });
          return { insertedRows: 0, updatedRows: hit.length, deletedRows: 0 };
        });
      const remove = (which: string): Promise<void> =>
        make(engine.delete('tasks', status(which)), (all) => {
          const hit = [...all.values()].filter((row) => row.status === which);
          for (const { n } of hit) all.delete(n);
          return { insertedRows: 0, updatedRows: 0, deletedRows: hit.length };
        });
      /** One commit: what is b becomes c, a row comes, and what is a becomes b. */
      const several = (): Promise<void> => {
        const row: PlainRow = { n: next++, status: 'a' };
        const work = engine.commit([
          { kind: 'update', table: 'tasks', where: status('b'), set: { status: 'c' } },
          { kind: 'append', table: 'tasks', rows: [row] },
          { kind: 'update', table: 'tasks', where: status('a'), set: { status: 'b' } },
        ]);
        return make(work, (all) => {
          const hit = [...all.values()].filter(({ status: was }) => was === 'a' || was === 'b');
          for (const { n, status: was } of hit) all.set(n, { n, status: was === 'b' ? 'c' : 'b' });
          all.set(row.n, { n: row.n, status: 'b' });
          return { insertedRows: 1, updatedRows: hit.length, deletedRows: 0 };
        });
      };
      await append(5);
      await Promise.all([
        ...times(6, () => chain(15, () => append(1 + below(4)))),
        ...times(8, () => chain(8, () => update('a', 'b'))),
        ...times(2, () => chain(6, () => update('b', 'a'))),
        ...times(2, () => chain(5, several)),
        chain(6, () => remove('c')),
        chain(2, () => remove('b')),
        chain(5, () => engine.compact('tasks')),
      ]);
      done.sort((left, right) => snapshotOf(left.result) - snapshotOf(right.result));
      const rows = new Map<number, PlainRow>();
      for (const { result, replay } of done) {
        const { insertedRows, updatedRows, deletedRows } = result;
        const snapshotId = snapshotOf(result);
        expect({ snapshotId, insertedRows, updatedRows, deletedRows }).toEqual({ snapshotId, ...replay(rows) });
        const read = await rowsAsOf(engine, 'tasks', { kind: 'snapshot', snapshotId });
        expect(byN(read), `rows at snapshot ${snapshotId}`).toEqual(byN([...rows.values()]));
      }
      for (const result of unchanged) expect(result).toMatchObject({ insertedRows: 0, updatedRows: 0, deletedRows: 0 });
      expect(engine.headSnapshotId, 'commits, with that of createTable').toBe(done.length + 1);
      expect((await engine.verify()).findings).toEqual([]);
    });
  }
});

describe('appends beside an endless stream of changes', () => {
  it('get their turn', async () => {
    const engine = await bank();
    let stop = false;
    const changer = async (n: number): Promise<void> => {
      while (!stop) await engine.update('accounts', account(n), { note: 'again' });
    };
    const changers = times(4, changer);
    try {
      await chain(30, (n) => engine.append('accounts', [{ account: 100 + n, balance: '0' }]));
    } finally {
      stop = true;
      await Promise.all(changers);
    }
  });
});

describe('columns that change while rows do', () => {
  it('fail no append and no change: what was prepared on the old columns is prepared again', async () => {
    const engine = await testEngine();
    await engine.createTable({ name: 'wide', columns: [{ name: 'n', type: 'INT' }], primaryKey: ['n'] });
    const results = await Promise.all([
      ...times(12, (part) => engine.alterTable('wide', [{ kind: 'addColumn', column: { name: `c${part}`, type: 'INT', default: part } }])),
      ...times(10, (part) => chain(5, (n) => engine.append('wide', [{ n: part * 100 + n }]))),
      ...times(4, () =>
        chain(4, () => engine.update('wide', { kind: 'compare', column: 'n', operator: 'gte', value: 0 }, { c0: 7 }).catch(unlessNoColumn)),
      ),
    ]);
    expect(results).toHaveLength(26);
    const rows = await rowsAsOf(engine, 'wide', { kind: 'newest' });
    expect(rows).toHaveLength(50);
    for (const row of rows) expect(row).toMatchObject({ c1: 1, c11: 11 });
  });
});

/** Before its column has come an update is refused, as it should be. */
function unlessNoColumn(error: unknown): void {
  if (!isCode(error, 'INVALID_ROW')) throw error;
}

const snapshotOf = ({ commit }: ChangeResult): number => commit?.snapshotId ?? 0;
const byN = (rows: readonly object[]): PlainRow[] => ([...rows] as PlainRow[]).sort((left, right) => left.n - right.n);
