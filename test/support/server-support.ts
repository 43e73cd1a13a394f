/** What tests of the API share: a running server on a free port, GraphQL over fetch, and clients over real sockets. */
import { once } from 'node:events';
import { print } from 'graphql';
import { type Client, createClient } from 'graphql-ws';
import { type Logger, pino } from 'pino';
import { expect, onTestFinished, vi } from 'vitest';
import WebSocket from 'ws';
import { CUSTOMERS, DEMO_TABLES, ORDERS, SAMPLES } from '../../scripts/demo-tables.ts';
import type { TableDefinition } from '../../src/engine/index.ts';
import { parseCommandLine, type RunningServer, type ServerConfig, startServer } from '../../src/server/index.ts';
import { temporaryDirectory } from './support.ts';

export { CUSTOMERS, DEMO_TABLES, ORDERS, SAMPLES };

/** What a generated document is to us: a document that carries the types of its result and variables. */
interface TypedDocument<Data, Variables> {
  __apiType?: (variables: Variables) => Data;
}

export interface ErrorAnswer {
  readonly message: string;
  readonly path?: readonly (string | number)[];
  readonly extensions: { readonly code: string; readonly details: Record<string, unknown>; readonly hint?: string };
}

export interface Answer<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly ErrorAnswer[];
  readonly status: number;
}

interface LogLine extends Record<string, unknown> {
  readonly level: number;
  readonly msg: string;
}

export type Loose = Record<string, unknown>;

/** Sends one operation over HTTP. */
export async function query<Data = Loose, Variables = Loose>(
  url: string,
  document: string | TypedDocument<Data, Variables>,
  variables?: Variables,
  init: RequestInit = {},
): Promise<Answer<Data>> {
  const text = typeof document === 'string' ? document : print(document as Parameters<typeof print>[0]);
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: text, variables }),
    ...init,
  });
  const answer = await response.text();
  if (!answer.startsWith('{')) throw new Error(`status ${response.status} with a body that is no JSON: ${JSON.stringify(answer)}`);
  return { ...(JSON.parse(answer) as Answer<Data>), status: response.status };
}

export interface TestServer extends RunningServer {
  readonly directory: string;
  readonly logs: LogLine[];
  /** One operation over HTTP, errors included in the answer. */
  query<Data = Loose, Variables = Loose>(
    document: string | TypedDocument<Data, Variables>,
    variables?: Variables,
    init?: RequestInit,
  ): Promise<Answer<Data>>;
  /** The data of one operation; an error of any kind fails the test. */
  data<Data = Loose, Variables = Loose>(document: string | TypedDocument<Data, Variables>, variables?: Variables): Promise<Data>;
  /** The one error of one operation. */
  failure<Variables = Loose>(document: string | TypedDocument<unknown, Variables>, variables?: Variables): Promise<ErrorAnswer>;
}

export interface TestServerOptions {
  readonly directory?: string;
  readonly flags?: readonly string[];
  readonly tables?: readonly TableDefinition[];
  /** Set where a test provokes an internal error; else one that is logged fails the test. */
  readonly expectErrorLogs?: boolean;
}

export function testConfig(directory: string, flags: readonly string[] = []): ServerConfig {
  const command = parseCommandLine(['--data', directory, '--port', '0', ...flags], {});
  if (command.kind !== 'serve') throw new Error(`these flags do not serve: ${flags.join(' ')}`);
  return command.config;
}

function memoryLogger(logs: LogLine[]): Logger {
  return pino({ level: 'trace', base: null }, { write: (line: string) => void logs.push(JSON.parse(line) as LogLine) });
}

/** A server on a free port and a fresh directory, stopped when the test ends. An error in its log fails the test. */
export async function testServer(options: TestServerOptions = {}): Promise<TestServer> {
  const directory = options.directory ?? (await temporaryDirectory());
  const logs: LogLine[] = [];
  const server = await startServer(testConfig(directory, options.flags), memoryLogger(logs));
  onTestFinished(async () => {
    await server.stop();
    const errors = logs.filter(({ level }) => level >= 50);
    if (options.expectErrorLogs !== true) expect(errors, 'the server logged no error').toEqual([]);
  });
  for (const table of options.tables ?? []) await server.engine.createTable(table);
  const send: TestServer['query'] = (document, variables, init) => query(server.url, document, variables, init);
  return {
    ...server,
    engine: server.engine,
    directory,
    logs,
    query: send,
    data: async (document, variables) => {
      const answer = await send(document, variables);
      expect(answer.errors, 'errors of the answer').toBeUndefined();
      if (answer.data == null) throw new Error('the answer has no data');
      return answer.data;
    },
    failure: async (document, variables) => {
      const { errors } = await send(document, variables);
      expect(errors, 'errors of the answer').toHaveLength(1);
      return errors?.[0] as ErrorAnswer;
    },
  };
}

export function webSocketUrl(url: string): string {
  return `${url.replace('http', 'ws')}/graphql`;
}

export interface LiveClient extends Client {
  /** Every socket that the client opened, oldest first. */
  readonly sockets: WebSocket[];
}

/** A graphql-ws client over real sockets, disposed when the test ends. It does not retry by itself. */
export function liveClient(url: string, options: Partial<Parameters<typeof createClient>[0]> = {}): LiveClient {
  const sockets: WebSocket[] = [];
  class CountedSocket extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols);
      sockets.push(this);
    }
  }
  const client = createClient({ url: webSocketUrl(url), webSocketImpl: CountedSocket, retryAttempts: 0, ...options });
  onTestFinished(async () => void (await client.dispose()));
  return Object.assign(client, { sockets });
}

/** What a subscription sends: data, or errors. */
export interface Event<Data> {
  readonly data?: Data | null | undefined;
  readonly errors?: readonly unknown[] | undefined;
}

export interface Subscription<Data> extends AsyncIterableIterator<Event<Data>> {
  /** The data of the next event. */
  readonly take: () => Promise<Data>;
}

/** Subscribes and waits until the server listens, so that what is committed next is an event. */
export async function subscribe<Data>(
  server: Pick<RunningServer, 'live'>,
  client: Client,
  document: string,
  variables: Loose = {},
): Promise<Subscription<Data>> {
  const open = (): number => Object.values(server.live().classes).reduce((sum, { subscriptions }) => sum + subscriptions, 0);
  const before = open();
  const iterator = client.iterate<Data, unknown>({ query: document, variables });
  // The first call opens the subscription; its answer is the first event.
  const waiting: Promise<IteratorResult<Event<Data>>>[] = [iterator.next()];
  // A refusal is told at once, as what it is.
  let refused: unknown;
  waiting[0]?.then(
    ({ value }) => {
      refused = value?.errors;
    },
    (error: unknown) => {
      refused = error;
    },
  );
  const isOpen = (): void => expect({ subscriptions: open(), refused }).toEqual({ subscriptions: before + 1, refused: undefined });
  await vi.waitFor(isOpen, { interval: 2, timeout: 10_000 });
  const next = (): Promise<IteratorResult<Event<Data>>> => waiting.shift() ?? iterator.next();
  const subscription: Subscription<Data> = {
    next,
    return: () => iterator.return?.() ?? Promise.resolve({ done: true, value: undefined }),
    take: async () => dataOf(await next()),
    [Symbol.asyncIterator]: () => subscription,
  };
  return subscription;
}

/** The data of an event; anything else fails the test. */
export function dataOf<Data>(result: IteratorResult<Event<Data>>): Data {
  if (result.done === true) throw new Error('the subscription ended');
  expect(result.value.errors, 'errors of the event').toBeUndefined();
  return result.value.data as Data;
}

export async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, 'close')) as [number];
  return code;
}

/** Waits for a condition that no event announces. */
export function eventually(check: () => unknown): Promise<void> {
  return vi.waitFor(async () => void (await check()), { interval: 2, timeout: 20_000 });
}

/** Some orders, as the generic API takes them. */
export function orders(from: number, count: number, fields: Loose = {}): Loose[] {
  return Array.from({ length: count }, (_, index) => ({
    order_id: String(from + index),
    customer_id: String(((from + index) % 3) + 1),
    amount: from + index + 0.5,
    status: (from + index) % 2 === 0 ? 'paid' : 'new',
    ...fields,
  }));
}
