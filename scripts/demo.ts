/**
 * npm run demo [-- --days N]: half a year of real flights, committed day by day over GraphQL, seen live by a subscriber,
 * and then asked about as of three instants. Ends by itself and leaves nothing behind.
 */
import { parseArgs } from 'node:util';
import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import type { TableDefinition } from '../src/engine/index.ts';
import { AIRPORTS, DemoData, EARTHQUAKES, FLIGHTS, type WireRow } from './demo-data.ts';
import { askQuestions, type DemoInstant } from './demo-questions.ts';
import { counted, milliseconds, Screen } from './demo-screen.ts';
import { DemoServer } from './demo-server.ts';

const CREATE = 'mutation Create($input: CreateTableInput!) { createTable(input: $input) { commit { snapshotId timestamp } } }';

const APPEND = `mutation Append($table: String!, $rows: [JSON!]!, $options: CommitOptions) {
  append(table: $table, rows: $rows, options: $options) { insertedRows commit { snapshotId timestamp } }
}`;

const SNAPSHOTS = `subscription Snapshots($after: SafeInt) {
  snapshotCommitted(after: $after) {
    snapshotId
    commit { timestamp message }
    snapshots { operation table { name } summary { insertedRows totalRows } }
  }
}`;

interface Committed {
  readonly commit: { readonly snapshotId: number; readonly timestamp: string };
}

interface SnapshotEvent {
  readonly snapshotId: number;
  readonly commit: { readonly timestamp: string; readonly message: string | null };
  readonly snapshots: readonly {
    readonly operation: string;
    readonly table: { readonly name: string };
    readonly summary: { readonly insertedRows: number; readonly totalRows: number };
  }[];
}

/** A subscriber with a connection of its own: shows each snapshot as it arrives. */
class Subscriber {
  readonly #client;
  readonly #waiting = new Map<number, () => void>();
  #failed: (error: unknown) => void = () => {};
  readonly #failure = new Promise<never>((_resolve, reject) => {
    this.#failed = reject;
  });
  seen = 0;

  constructor(url: string, screen: Screen) {
    this.#failure.catch(() => {});
    this.#client = createClient({ url: `${url.replace('http', 'ws')}/graphql`, webSocketImpl: WebSocket });
    this.#client.subscribe<{ snapshotCommitted: SnapshotEvent }>(
      { query: SNAPSHOTS, variables: { after: 0 } },
      {
        next: ({ data, errors }) => {
          if (data?.snapshotCommitted == null) return this.#failed(new Error(errors?.[0]?.message ?? 'an event without data'));
          this.#see(data.snapshotCommitted, screen);
        },
        error: (error) => this.#failed(error),
        complete: () => {},
      },
    );
  }

  #see({ snapshotId, commit, snapshots }: SnapshotEvent, screen: Screen): void {
    for (const { operation, table, summary } of snapshots) {
      const rows = operation === 'CREATE' ? 'created' : `+${counted(summary.insertedRows)} rows, ${counted(summary.totalRows)} in all`;
      const time = commit.timestamp.slice(11, 23);
      screen.line(
        `${screen.dim(`${time}  live  `)}${screen.colour(`snapshot ${String(snapshotId).padStart(3)}`)}  ${table.name}: ${rows}${screen.dim(commit.message === null ? '' : `  (${commit.message})`)}`,
      );
    }
    this.seen = snapshotId;
    this.#waiting.get(snapshotId)?.();
  }

  /** Resolves when a snapshot has arrived. */
  async until(snapshotId: number): Promise<void> {
    if (this.seen >= snapshotId) return;
    await Promise.race([new Promise<void>((resolve) => this.#waiting.set(snapshotId, resolve)), this.#failure]);
  }

  async stop(): Promise<void> {
    await this.#client.dispose();
  }
}

async function createAll(server: DemoServer): Promise<void> {
  for (const input of [FLIGHTS, AIRPORTS, EARTHQUAKES] satisfies TableDefinition[]) await server.query(CREATE, { input });
}

async function append(server: DemoServer, table: string, rows: readonly WireRow[], message: string): Promise<Committed['commit']> {
  const { append: result } = await server.query<{ append: Committed }>(APPEND, { table, rows, options: { message, author: 'demo' } });
  return result.commit;
}

/** Commits one day after the other, reading the next one meanwhile. @returns the instant of each day */
async function appendDays(
  server: DemoServer,
  data: DemoData,
  screen: Screen,
  days: readonly string[],
): Promise<(DemoInstant & Committed['commit'])[]> {
  const instants: (DemoInstant & Committed['commit'])[] = [];
  let rows = 0;
  const start = performance.now();
  let next = data.flightsOf(days[0] as string);
  for (const [index, day] of days.entries()) {
    const flights = await next;
    const following = days[index + 1];
    const sent = append(server, 'flights', flights, `flights of ${day}`);
    if (following !== undefined) next = data.flightsOf(following);
    instants.push({ day, ...(await sent) });
    rows += flights.length;
    const seconds = (performance.now() - start) / 1000;
    screen.progress({
      done: index + 1,
      total: days.length,
      text: `${counted(rows)} flights, ${counted(Math.round(rows / seconds))} rows/s`,
    });
  }
  return instants;
}

/** @returns undefined where the flag is no number of days */
function daysWanted(): number | undefined {
  const { values } = parseArgs({ options: { days: { type: 'string' } } });
  const days = Number(values.days ?? process.env['TIDEMARK_DEMO_DAYS'] ?? Number.POSITIVE_INFINITY);
  return days >= 1 ? days : undefined;
}

async function run(server: DemoServer, screen: Screen, wanted: number): Promise<void> {
  const data = await DemoData.open();
  const subscriber = new Subscriber(server.url, screen);
  try {
    screen.line(screen.bold('Tidemark: a GraphQL database of snapshots'));
    screen.line(screen.dim(`serves ${server.url}/graphql from ${server.directory}`));
    screen.title('Three tables');
    await createAll(server);
    await append(server, 'airports', await data.airports(), 'airports of the United States');
    const quakes = await append(server, 'earthquakes', data.earthquakes(), 'a week of earthquakes');
    await subscriber.until(quakes.snapshotId);

    const days = (await data.days()).slice(0, wanted);
    screen.title(`${days.length} ${days.length === 1 ? 'day' : 'days'} of flights, one commit a day`);
    const start = performance.now();
    const instants = await appendDays(server, data, screen, days);
    const took = performance.now() - start;
    await subscriber.until(instants.at(-1)?.snapshotId ?? 0);
    screen.finish();
    screen.line(`${counted(instants.length)} commits in ${milliseconds(took)}, every one seen live`);

    const at = (part: number): DemoInstant => instants[Math.max(0, Math.ceil(instants.length * part) - 1)] as DemoInstant;
    await askQuestions(server, screen, [at(1 / 3), at(2 / 3), at(1)]);
    screen.line();
  } finally {
    screen.finish();
    await subscriber.stop();
    data.close();
  }
}

const wanted = daysWanted();
if (wanted === undefined) {
  process.stderr.write('--days (or TIDEMARK_DEMO_DAYS) takes a number of days, at least 1\n');
  process.exit(1);
}
const screen = new Screen();
const server = await DemoServer.start();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    screen.finish();
    void server.stop().finally(() => process.exit(signal === 'SIGINT' ? 130 : 143));
  });
}
try {
  await run(server, screen, wanted);
} finally {
  await server.stop();
}
