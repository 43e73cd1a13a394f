/** A session asks what its principal may do before each of its verbs: the place where permissions are decided. */
import { describe, expect, it } from 'vitest';
import { asRowId, asSnapshotId, type Engine, Session, type TableAt } from '../../src/engine/index.ts';
import { testEngine } from '../support/support.ts';

/** A session that remembers what it was asked, and allows it or not. */
class Watched extends Session {
  readonly asked: string[] = [];
  isAllowed = true;

  override allows(...[action, to]: Parameters<Session['allows']>): boolean {
    this.asked.push(`${action} ${to === 'catalog' ? to : to.name}`);
    return this.isAllowed;
  }
}

async function filled(): Promise<Engine> {
  const engine = await testEngine();
  await engine.createTable({ name: 'orders', columns: [{ name: 'k', type: 'LONG' }], primaryKey: ['k'] });
  await engine.append('orders', [{ k: 1 }]);
  return engine;
}

/** Facts that say nothing of any table. */
const FREE = ['constructor', 'allows', 'incarnation', 'headSnapshotId', 'schemaEpoch'];

/** A call of each verb. */
function calls(session: Session, at: TableAt): Readonly<Record<string, () => unknown>> {
  const { table } = at;
  const one = asSnapshotId(1);
  const all = { lo: one, hi: asSnapshotId(2), descending: false, limit: 10 };
  const version = { rowId: asRowId(0), fromSnapshotId: asSnapshotId(2) };
  return {
    tables: () => session.tables(),
    table: () => session.table('orders'),
    findTable: () => session.findTable('orders'),
    tableById: () => session.tableById(table.id),
    tableEverNamed: () => session.tableEverNamed('orders'),
    tablesEverNamed: () => session.tablesEverNamed('orders'),
    retentionOf: () => session.retentionOf(table),
    tags: () => session.tags(),
    resolve: () => session.resolve({ kind: 'newest' }),
    hold: () => session.hold(one),
    tableAt: () => session.tableAt(table, one),
    tableAtOwn: () => session.tableAtOwn(table, table.last),
    preparePage: () => session.preparePage(at, {})(),
    aggregate: () => session.aggregate(at, { terms: [{ function: 'COUNT' }] }),
    prepareGroups: () => session.prepareGroups(at, { groupBy: ['k'], terms: [] })(),
    countGroups: () => session.countGroups(at, { groupBy: ['k'] }),
    count: () => session.count(at, undefined),
    rowByKey: () => session.rowByKey(at, { k: 1 }, at.schema.columns),
    rowAt: () => session.rowAt(at, asRowId(0), at.schema.columns),
    rowVersion: () => session.rowVersion(table, version, at.schema.columns),
    manifest: () => session.manifest(at),
    checkFilter: () => session.checkFilter(table, { kind: 'and', filters: [] }),
    diff: () => session.diff(table, { from: one, to: asSnapshotId(2) }),
    commitOf: () => session.commitOf(one),
    commits: () => session.commits({}, all),
    countCommits: () => session.countCommits({}, all),
    snapshotIdAt: () => session.snapshotIdAt(0),
    snapshot: () => session.snapshot(table, one),
    snapshotAtOrBefore: () => session.snapshotAtOrBefore(table, one),
    snapshots: () => session.snapshots(table, undefined, all),
    countSnapshots: () => session.countSnapshots(table, undefined, all),
    onCommits: () => session.onCommits(() => {}),
    commitsAfter: () => session.commitsAfter(one, 10),
    commitChanges: () => session.commitChanges(table, { snapshotId: asSnapshotId(2) }),
    append: () => session.append('orders', [{ k: 2 }]),
    commit: () => session.commit([{ kind: 'append', table: 'orders', rows: [{ k: 3 }] }]),
    restore: () => session.restore({ to: { kind: 'snapshot', snapshotId: 2 } }),
    revert: () => session.revert({ snapshotId: 2 }),
    createTag: () => session.createTag('mark', { kind: 'newest' }, null),
    dropTag: () => session.dropTag('mark'),
    expire: () => session.expire({ retainLast: 1_000 }),
    erase: () => session.erase({ table: 'orders', where: { kind: 'compare', operator: 'eq', column: 'k', value: 9 }, reason: 'test' }),
    compact: () => session.compact('orders'),
    verify: () => session.verify(),
  };
}

async function stateOf(engine: Engine): Promise<TableAt> {
  const at = await engine.read.tableAt(engine.table('orders'), engine.headSnapshotId);
  if (at === undefined) throw new Error('there is no table');
  return at;
}

describe('a session', () => {
  it('has a call below for each of its verbs, so that a new one is covered', async () => {
    const engine = await filled();
    const verbs = Object.getOwnPropertyNames(Session.prototype).filter((name) => !FREE.includes(name));
    expect(Object.keys(calls(new Session(engine), await stateOf(engine))).sort()).toEqual(verbs.sort());
  });

  it('asks before each verb, and does nothing and tells nothing where it may not', async () => {
    const engine = await filled();
    const session = new Watched(engine);
    session.isAllowed = false;
    const unasked: string[] = [];
    const told: unknown[] = [];
    for (const [verb, call] of Object.entries(calls(session, await stateOf(engine)))) {
      session.asked.length = 0;
      try {
        const answer = await call();
        if (answer !== undefined && !(Array.isArray(answer) && answer.length === 0)) told.push({ verb, answer });
      } catch (error) {
        if (!String(error).includes('may not')) told.push({ verb, error });
      }
      if (session.asked.length === 0) unasked.push(verb);
    }
    expect({ unasked, told }).toEqual({ unasked: [], told: [] });
    expect(engine.headSnapshotId, 'nothing was committed').toBe(2);
    expect(engine.commitListeners).toBe(0);
  });

  it('does as the engine does where it may, which is everything today', async () => {
    const engine = await filled();
    const session = new Watched(engine);
    const failed: unknown[] = [];
    for (const [verb, call] of Object.entries(calls(session, await stateOf(engine)))) {
      try {
        await call();
      } catch (error) {
        failed.push({ verb, error });
      }
    }
    expect(failed).toEqual([]);
    expect(new Session(engine).allows('administer', 'catalog')).toBe(true);
  });

  it('says for each operation of a commit what is done, and to what', async () => {
    const engine = await filled();
    const session = new Watched(engine);
    await session.commit([
      { kind: 'createTable', definition: { name: 'fresh', columns: [{ name: 'k', type: 'LONG' }] } },
      { kind: 'append', table: 'fresh', rows: [{ k: 1 }] },
      { kind: 'dropTable', table: 'orders' },
    ]);
    expect(session.asked).toEqual(['administer catalog', 'write fresh', 'administer orders']);
  });
});
