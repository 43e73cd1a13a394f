/**
 * The load generator, a process of its own so that it does not share a core with the server that it measures. It takes
 * jobs over IPC and answers each with what it saw. Every request's body is a template in which `__ID__` is the next of
 * a running number and `__KEY__` a random one below `keysBelow`.
 */
import autocannon from 'autocannon';

export interface LoadJob {
  readonly url: string;
  readonly connections: number;
  readonly seconds: number;
  readonly template: string;
  readonly firstId?: number;
  readonly keysBelow?: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers that were not 200, carried errors, or never came. */
  readonly failures: number;
  readonly firstFailure: string | undefined;
  /** The next number that `__ID__` would have become. */
  readonly nextId: number;
}

async function run({ url, connections, seconds, template, firstId = 1, keysBelow = 1 }: LoadJob): Promise<LoadResult> {
  const parts = template.split(/(__ID__|__KEY__)/);
  let id = firstId;
  let firstFailure: string | undefined;
  const fill = (part: string): string => {
    if (part === '__ID__') return String(id++);
    return part === '__KEY__' ? String(Math.floor(Math.random() * keysBelow)) : part;
  };
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    timeout: 60,
    requests: [
      {
        method: 'POST',
        path: '/graphql',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        setupRequest: (request) => ({ ...request, body: parts.length === 1 ? template : parts.map(fill).join('') }),
      },
    ],
    verifyBody: (body) => {
      const good = !body.includes('"errors"');
      if (!good) firstFailure ??= body.slice(0, 500);
      return good;
    },
  });
  return {
    requests: result.requests.total,
    seconds: result.duration,
    requestsPerSecond: result.requests.total / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failures: result.errors + result.timeouts + result.mismatches + result.non2xx,
    firstFailure,
    nextId: id,
  };
}

process.on('message', (job: LoadJob) => {
  run(job).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
