/**
 * What a server tells Prometheus, as text: commits, queries and maintenance as they are done, GraphQL operations, HTTP
 * requests, the live path and the process. Each server has its own; the figures that are read are read at a scrape.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Engine, EngineObserver } from '../../engine/index.ts';
import type { LiveFigures } from '../../pubsub/index.ts';
import { engineGauges, engineObserver } from './engine-metrics.ts';
import { liveMetrics } from './live-metrics.ts';
import { MetricRegistry } from './metric-registry.ts';
import { OperationMetrics } from './operation-metrics.ts';
import { type ProcessMetrics, processMetrics } from './process-metrics.ts';

/** What is read at each scrape. */
interface MetricSources {
  readonly engine: Pick<Engine, 'statistics'>;
  readonly live: () => LiveFigures;
  readonly state: { readonly stopping: boolean };
  /** Its requests are counted. */
  readonly http: Server;
}

export interface Metrics {
  /** What the engine is opened with. */
  readonly observer: EngineObserver;
  readonly operations: OperationMetrics;
  readonly contentType: string;
  /** From now on the server can be scraped; `stop` ends it. To be called once. */
  watch(sources: MetricSources): void;
  /** All metrics in Prometheus' text format. */
  text(): Promise<string>;
  /** Leaves no timer and no observer. Idempotent. */
  stop(): void;
}

/** Starts nothing until `watch`: the observer is needed before there is an engine. */
export function createMetrics(): Metrics {
  const metrics = new MetricRegistry();
  const { registry } = metrics;
  const observer = engineObserver(metrics);
  const operations = new OperationMetrics(metrics);
  const refreshEngine = engineGauges(metrics);
  const refreshLive = liveMetrics(metrics);
  const stopping = metrics.gauge({ name: 'stopping', help: '1 while the server finishes what is under way and stops.' });
  const count = requestCounter(metrics);
  let sources: MetricSources | undefined;
  let ofProcess: ProcessMetrics | undefined;
  return {
    observer,
    operations,
    contentType: registry.contentType,
    watch: (given) => {
      sources = given;
      ofProcess = processMetrics(registry);
      given.http.on('request', count);
    },
    text: async () => {
      await ofProcess?.refresh();
      // In one turn, so that figures of one scrape are of one moment.
      if (sources !== undefined) {
        refreshEngine(sources.engine.statistics());
        refreshLive(sources.live());
        stopping.set(sources.state.stopping ? 1 : 0);
      }
      operations.refresh();
      return registry.metrics();
    },
    stop: () => {
      ofProcess?.stop();
      sources?.http.off('request', count);
    },
  };
}

/** Counts an answer by the class of its status once it is over; who went away before it began is `none`. */
function requestCounter(metrics: MetricRegistry): (request: IncomingMessage, response: ServerResponse) => void {
  const requests = metrics.counter({
    name: 'http_requests_total',
    help: 'HTTP requests by the class of their status; none: the client left before there was one.',
    labels: { status: ['2xx', '3xx', '4xx', '5xx', 'none'] },
  });
  function closed(this: ServerResponse): void {
    requests.inc({ status: this.headersSent ? `${Math.floor(this.statusCode / 100)}xx` : 'none' });
  }
  return (_request, response) => void response.on('close', closed);
}
