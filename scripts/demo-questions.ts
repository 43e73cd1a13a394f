/** The demo's three questions, each asked as of three instants through the typed API. */

import { counted, milliseconds, type Screen } from './demo-screen.ts';
import type { DemoServer } from './demo-server.ts';

/** An instant to ask about: the commit of one day's flights. */
export interface DemoInstant {
  readonly day: string;
  readonly timestamp: string;
}

const ORIGINS = 5;

const BUSIEST = `query BusiestRoute($timestamp: DateTime!) {
  asOf(timestamp: $timestamp) { flights { groupBy(columns: [origin, destination], first: 1) { nodes { key { origin destination } aggregate { count } } } } }
}`;

const DELAYS = `query MeanDelayByOrigin($timestamp: DateTime!) {
  asOf(timestamp: $timestamp) { flights { groupBy(columns: [origin], first: ${ORIGINS}) { nodes { key { origin } aggregate { count avg { delay } } } } } }
}`;

const ROWS = 'query RowsSoFar($timestamp: DateTime!) { asOf(timestamp: $timestamp) { snapshotId flights { totalCount } } }';

const CITIES = 'query Cities($codes: [String!]) { asOf { airports(where: { iata: { in: $codes } }) { nodes { iata city } } } }';

interface Group {
  readonly key: { readonly origin: string; readonly destination?: string };
  readonly aggregate: { readonly count: number; readonly avg?: { readonly delay: number } };
}

interface Groups {
  readonly asOf: { readonly flights: { readonly groupBy: { readonly nodes: readonly Group[] } } };
}

interface Timed<Data> {
  readonly instant: DemoInstant;
  readonly data: Data;
  readonly ms: number;
}

async function askAll<Data>(server: DemoServer, query: string, instants: readonly DemoInstant[]): Promise<Timed<Data>[]> {
  const answers: Timed<Data>[] = [];
  for (const instant of instants) {
    const start = performance.now();
    const data = await server.query<Data>(query, { timestamp: instant.timestamp });
    answers.push({ instant, data, ms: performance.now() - start });
  }
  return answers;
}

async function citiesOf(server: DemoServer, codes: readonly string[]): Promise<(code: string) => string> {
  const { asOf } = await server.query<{ asOf: { airports: { nodes: { iata: string; city: string }[] } } }>(CITIES, { codes });
  const cities = new Map(asOf.airports.nodes.map(({ iata, city }) => [iata, city]));
  return (code) => (cities.has(code) ? `${code} (${cities.get(code)})` : code);
}

export async function askQuestions(server: DemoServer, screen: Screen, instants: readonly DemoInstant[]): Promise<void> {
  const busiest = await askAll<Groups>(server, BUSIEST, instants);
  const delays = await askAll<Groups>(server, DELAYS, instants);
  const rows = await askAll<{ asOf: { snapshotId: number; flights: { totalCount: number } } }>(server, ROWS, instants);
  const groupsOf = ({ data }: Timed<Groups>): readonly Group[] => data.asOf.flights.groupBy.nodes;
  const codes = [...busiest, ...delays].flatMap((answer) =>
    groupsOf(answer).flatMap(({ key }) => [key.origin, key.destination ?? key.origin]),
  );
  const city = await citiesOf(server, [...new Set(codes)]);

  screen.title('Which route is the busiest?');
  screen.table(
    ['as of the flights of', 'from', 'to', 'flights', 'took'],
    busiest.map((answer) => {
      const [group] = groupsOf(answer);
      return [
        answer.instant.day,
        city(group?.key.origin ?? ''),
        city(group?.key.destination ?? ''),
        counted(group?.aggregate.count ?? 0),
        milliseconds(answer.ms),
      ];
    }),
  );

  screen.title(`How late are flights from the ${ORIGINS} busiest airports, on average, in minutes?`);
  const origins = [...new Set(delays.flatMap((answer) => groupsOf(answer).map(({ key }) => key.origin)))];
  const delayOf = (answer: Timed<Groups>, origin: string): string =>
    groupsOf(answer)
      .find(({ key }) => key.origin === origin)
      ?.aggregate.avg?.delay.toFixed(2) ?? '';
  screen.table(
    ['as of the flights of', ...instants.map(({ day }) => day)],
    [
      ...origins.map((origin) => [city(origin), ...delays.map((answer) => delayOf(answer, origin))]),
      ['took', ...delays.map(({ ms }) => milliseconds(ms))],
    ],
  );

  screen.title('How many rows were there?');
  screen.table(
    ['as of the flights of', 'snapshot', 'rows', 'took'],
    rows.map(({ instant, data, ms }) => [
      instant.day,
      String(data.asOf.snapshotId),
      counted(data.asOf.flights.totalCount),
      milliseconds(ms),
    ]),
  );
}
