/**
 * Whatever keeps rows in a process has joined one registry, and an erasure is answered when all of it has let go. Each copy is
 * filled with a real row first; what has joined and is not filled here fails, so that a new copy is added to this test.
 */
import { createClient } from 'graphql-sse';
import { expect, it, onTestFinished } from 'vitest';
import { RowCopies } from '../../src/engine/data/row-copies.ts';
import { EventFrames } from '../../src/server/event-stream/event-frames.ts';
import { liveClient, query, type Subscription, subscribe, type TestServer, testServer } from '../support/server-support.ts';

const NAME = 'Wilhelmina-Quackenbush';
const PEOPLE = {
  name: 'people',
  columns: [
    { name: 'id', type: 'INT' as const, required: true },
    { name: 'name', type: 'STRING' as const },
  ],
  primaryKey: ['id'],
};

/** Whether a text stands anywhere in a value: in strings, in bytes, in what a promise gives. */
async function contains(value: unknown, text: string, seen = new Set<unknown>()): Promise<boolean> {
  if (typeof value === 'string') return value.includes(text);
  if (typeof value !== 'object' || value === null || seen.has(value)) return false;
  seen.add(value);
  if (value instanceof Promise) return contains(await value.catch(() => undefined), text, seen);
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).includes(text);
  const inside: unknown[] = value instanceof Map ? [...value.keys(), ...value.values()] : [...Object.values(value)];
  if (value instanceof Set) inside.push(...value);
  for (const one of inside) if (await contains(one, text, seen)) return true;
  return false;
}

/** The names of the copies in which a text stands. */
async function holding(copies: RowCopies, text: string): Promise<string[]> {
  const found: string[] = [];
  for (const { name, copy } of copies.all()) if (await contains(await copy.kept(), text)) found.push(name);
  return found.sort();
}

const CHANGES = 'subscription ($after: String) { peopleChanges(after: $after) { snapshotId changes { after { name } } } }';
const LIVE = 'subscription { live { people { nodes { name } } } }';

/** Puts the person into every copy that outlives a turn of the event loop. */
async function filled(server: TestServer): Promise<Subscription<unknown>> {
  const changes = await subscribe(server, liveClient(server.url), CHANGES);
  const live = await subscribe<{ live: { people: { nodes: { name: string }[] } } }>(server, liveClient(server.url), LIVE);
  await server.engine.append('people', [
    { id: 1, name: NAME },
    { id: 2, name: 'Ada' },
  ]);
  await changes.take();
  await server.engine.compact('people');
  await server.engine.append('people', [{ id: 3, name: `${NAME} the hot` }]);
  await changes.take();
  for (let count = 0; count < 3; ) count = (await live.take()).live.people.nodes.length;
  await server.data(`{ asOf { people(where: {name: {startsWith: "${NAME}"}}) { nodes { name } } } }`);
  await server.data('{ asOf { people(first: 2) { nodes { name } } } }');
  await query(server.url, `{ __schema { types { name } } } # ${NAME}`);
  return changes;
}

const LASTING = [
  'answers of live queries',
  'blocks of files',
  'changes of commits',
  'documents',
  'executed events',
  'introspection',
  'mirrors of hot rows',
];
/** They keep an event while it is sent to all who get it, in one turn of the event loop. */
const OF_ONE_TURN = ['frames of WebSockets', 'frames of event streams'];

it('everything that has joined keeps no byte of an erased row once the erasure is answered', async () => {
  const server = await testServer({ tables: [PEOPLE] });
  const { rowCopies } = server.engine;
  expect(
    rowCopies
      .all()
      .map(({ name }) => name)
      .sort(),
    'what has joined is filled here',
  ).toEqual([...LASTING, ...OF_ONE_TURN].sort());
  const changes = await filled(server);
  expect(await holding(rowCopies, NAME), 'copies that had the row before').toEqual(LASTING);
  const where = { kind: 'text', column: 'name', operator: 'contains', value: NAME } as const;
  await server.engine.eraseRows({ table: 'people', where, reason: 'request 4711' });
  expect(await holding(rowCopies, NAME), 'copies that have it after').toEqual([]);
  await changes.take();
  const late = await subscribe<{ peopleChanges: { changes: { after: { name: string } }[] } }>(server, liveClient(server.url), CHANGES, {
    after: '1',
  });
  expect((await late.take()).peopleChanges.changes).toEqual([{ after: { name: 'Ada' } }]);
  expect(await server.data('{ asOf { people { nodes { name } } } }')).toEqual({ asOf: { people: { nodes: [{ name: 'Ada' }] } } });
  expect(await holding(rowCopies, NAME), 'nor after it was read again').toEqual([]);
});

it('an erasure through GraphQL, with the value in its document, leaves nothing either; live queries go on', async () => {
  const server = await testServer({ tables: [PEOPLE] });
  const sse = createClient({ url: `${server.url}/graphql`, retryAttempts: 0 });
  onTestFinished(() => sse.dispose());
  const events = sse.iterate<{ live: { people: { nodes: { name: string }[] } } }>({ query: LIVE });
  await events.next();
  await filled(server);
  await server.data(
    `mutation { eraseRows(table: "people", where: {column: "name", contains: "${NAME}"}, reason: "asked") { erasedRows } }`,
  );
  expect(await holding(server.engine.rowCopies, NAME)).toEqual([]);
  for (;;) {
    const { value, done } = await events.next();
    expect(done, 'the stream goes on after the erasure').not.toBe(true);
    if (value?.data?.live.people.nodes.length === 1) break;
  }
  // Who comes now is answered, though the answer from before was let go.
  const late = await subscribe<{ live: unknown }>(server, liveClient(server.url), LIVE);
  expect((await late.take()).live).toEqual({ people: { nodes: [{ name: 'Ada' }] } });
});

it('frames of an event are let go at once by an erasure, and by the next turn of the event loop', async () => {
  const copies = new RowCopies();
  const frames = new EventFrames(copies);
  const payload = { jsonAndBrace: Buffer.from(`{"data":"${NAME}"}}`), cursor: 'c' };
  const frame = frames.of(payload);
  expect(frames.of(payload)).toBe(frame);
  expect(await holding(copies, NAME)).toEqual(['frames of event streams']);
  await copies.forget(1 as never);
  expect(await holding(copies, NAME)).toEqual([]);
  frames.of(payload);
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(await holding(copies, NAME)).toEqual([]);
});

it('every copy is asked, whatever another one raises, and the erasure fails with what was raised', async () => {
  const copies = new RowCopies();
  const asked: string[] = [];
  copies.join('first', {
    forget: () => {
      throw new Error('cannot');
    },
    kept: () => [],
  });
  copies.join('second', { forget: async () => void asked.push('second'), kept: () => [] });
  await expect(copies.forget(1 as never)).rejects.toThrow('cannot');
  expect(asked).toEqual(['second']);
});
