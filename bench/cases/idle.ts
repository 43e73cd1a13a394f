/** What an idle subscriber costs in memory: a socket with one subscription, against a bare socket of a raw ws server. */
import { type LiveClients, socketUrl, withLiveClients } from '../live.ts';
import { type MeasuredServer, startMeasured, startMeasuredTidemark } from '../measured.ts';
import { type BenchOptions, type Figures, type Report, rounded, withDirectory, withServers } from '../support.ts';
import { CREATE, EVENTS } from '../tables.ts';

const TARGET_KIB = 12;
/** Some sockets are there before the first look, so that what is made once is not counted. */
const BEFORE = 100;
/** Until what a connection needs only at first has gone: timers, parsers. */
const SETTLE_MS = 3_000;

export function idle({ quick, note }: BenchOptions): Promise<Report> {
  const sockets = quick ? 500 : 5_000;
  return withDirectory((directory) =>
    withLiveClients(1, (clients) =>
      withServers(
        [startMeasuredTidemark(directory), startMeasured(directory, ['bench/servers/broadcast-baseline.mjs'])],
        async ([tidemark, baseline]) => {
          await tidemark.query(CREATE, { input: EVENTS });
          const [ours, theirs] = await Promise.all([
            perSocket(clients, tidemark, { group: 'the same', sockets, query: 'subscription { snapshotCommitted { snapshotId } }' }),
            perSocket(clients, baseline, { group: 'bare', sockets }),
          ]);
          const distinct = await perSocket(clients, tidemark, {
            group: 'different',
            sockets: sockets / 5,
            query:
              'subscription ($where: EventsFilter) { eventsChanges(where: $where) { snapshotId changes { after { order_id amount } } } }',
            variables: Array.from({ length: sockets / 5 + BEFORE }, (_, n) => ({ where: { customer_id: { eq: String(n) } } })),
          });
          const kib = Number(ours['heap KiB']);
          note(`${kib} KiB of heap`);
          return {
            case: 'idle',
            ratio: rounded(kib / Number(theirs['heap KiB'])),
            baseline: `a bare socket of a raw ws server (heap per subscriber, ${sockets} of them)`,
            target: `at most ${TARGET_KIB} KiB of heap a subscriber`,
            met: kib <= TARGET_KIB,
            figures: {
              [`${sockets} subscribers of the same`]: ours,
              [`${sockets / 5} subscribers of different row changes`]: distinct,
              [`${sockets} bare sockets`]: theirs,
            },
          };
        },
      ),
    ),
  );
}

interface Watch {
  readonly group: string;
  readonly sockets: number;
  readonly query?: string;
  readonly variables?: readonly Readonly<Record<string, unknown>>[];
}

async function perSocket(clients: LiveClients, server: MeasuredServer, { group, sockets, query, variables }: Watch): Promise<Figures> {
  const watch = { group, url: socketUrl(server), ...(query === undefined ? {} : { query }) };
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  await clients.open({ ...watch, count: BEFORE, variables: variables?.slice(sockets) ?? [] });
  await settle();
  const before = await server.memory();
  await clients.open({ ...watch, count: sockets, variables: variables ?? [] });
  await settle();
  const after = await server.memory();
  const kib = (bytes: number): number => rounded(bytes / sockets / 1024);
  return {
    'heap KiB': kib(after.heapBytes - before.heapBytes),
    'buffers KiB': kib(after.externalBytes - before.externalBytes),
    'RSS KiB': kib(after.rssBytes - before.rssBytes),
  };
}
