/** What an idle subscriber costs in memory: a socket with one subscription, against a bare socket of a raw ws server. */
import { type LiveClients, type MeasuredServer, socketUrl, startMeasured, withLiveClients } from '../live.ts';
import { type BenchOptions, type Figures, type Report, rounded, withDirectory, withServers } from '../support.ts';

const TARGET_KIB = 12;
const QUERY = 'subscription { snapshotCommitted { snapshotId } }';
/** Some sockets are there before the first look, so that what is made once is not counted. */
const BEFORE = 100;
/** Until what a connection needs only at first has gone: timers, parsers. */
const SETTLE_MS = 5_000;

export function idle({ quick, note }: BenchOptions): Promise<Report> {
  const sockets = quick ? 500 : 5_000;
  return withDirectory((directory) =>
    withLiveClients((clients) =>
      withServers(
        [
          startMeasured(directory, ['bin/tidemark.cjs', '--data', `${directory}/tidemark`, '--port', '0']),
          startMeasured(directory, ['bench/servers/broadcast-baseline.mjs']),
        ],
        async ([tidemark, baseline]) => {
          const ours = await perSocket(clients, tidemark, { group: 'tidemark', sockets, query: QUERY });
          const theirs = await perSocket(clients, baseline, { group: 'baseline', sockets });
          const kib = Number(ours['heap KiB']);
          note(`${kib} KiB of heap`);
          return {
            case: 'idle',
            ratio: rounded(kib / Number(theirs['heap KiB'])),
            baseline: `a bare socket of a raw ws server (heap per subscriber, ${sockets} of them)`,
            target: `at most ${TARGET_KIB} KiB of heap a subscriber`,
            met: kib <= TARGET_KIB,
            figures: { subscriber: ours, 'bare socket': theirs },
          };
        },
      ),
    ),
  );
}

async function perSocket(
  clients: LiveClients,
  server: MeasuredServer,
  { group, sockets, query }: { readonly group: string; readonly sockets: number; readonly query?: string },
): Promise<Figures> {
  const open = (count: number): Promise<void> =>
    clients.open({ group, url: socketUrl(server), count, ...(query === undefined ? {} : { query }) });
  const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  await open(BEFORE);
  await settle();
  const before = await server.memory();
  await open(sockets);
  await settle();
  const after = await server.memory();
  return {
    'heap KiB': rounded((after.heapBytes - before.heapBytes) / sockets / 1024),
    'RSS KiB': rounded((after.rssBytes - before.rssBytes) / sockets / 1024),
  };
}
