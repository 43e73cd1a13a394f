/**
 * Metrics of the process, under the names that prom-client gives them, so that dashboards for Node fit. Those of its
 * collectors that only read are used as they are. Its collectors of event-loop lag and of garbage collection start a
 * monitor and an observer that nothing can stop, so both are made here, and end with the server.
 */
import { constants, monitorEventLoopDelay, type PerformanceEntry, PerformanceObserver } from 'node:perf_hooks';
import { Gauge, Histogram, type Registry } from 'prom-client';
import heapSizeAndUsed from 'prom-client/lib/metrics/heapSizeAndUsed.js';
import heapSpaces from 'prom-client/lib/metrics/heapSpacesSizeAndUsed.js';
import residentMemory from 'prom-client/lib/metrics/osMemoryHeap.js';
import cpu from 'prom-client/lib/metrics/processCpuTotal.js';
import maxFileDescriptors from 'prom-client/lib/metrics/processMaxFileDescriptors.js';
import openFileDescriptors from 'prom-client/lib/metrics/processOpenFileDescriptors.js';
import activeResources from 'prom-client/lib/metrics/processResources.js';
import startTime from 'prom-client/lib/metrics/processStartTime.js';
import nodeVersion from 'prom-client/lib/metrics/version.js';

export interface ProcessMetrics {
  /** Brings up to date what is not read at a scrape by itself. */
  refresh(): Promise<void>;
  /** Ends the monitor and the observer. Idempotent. */
  stop(): void;
}

const READERS = [
  cpu,
  startTime,
  residentMemory,
  openFileDescriptors,
  maxFileDescriptors,
  activeResources,
  heapSizeAndUsed,
  heapSpaces,
  nodeVersion,
];

/** How often the monitor looks; the delays that it reports are as long at least. */
const RESOLUTION_MS = 10;

export function processMetrics(registry: Registry): ProcessMetrics {
  for (const read of READERS) read(registry);
  const loop = eventLoopMetrics(registry);
  const collections = observeCollections(registry);
  return {
    refresh: loop.refresh,
    stop: () => {
      loop.stop();
      collections.disconnect();
    },
  };
}

function eventLoopMetrics(registry: Registry): ProcessMetrics {
  const gauge = (part: string, help: string): Gauge =>
    new Gauge({ name: `nodejs_eventloop_lag_${part}seconds`, help, registers: [registry] });
  const lag = gauge('', 'Time that a task waited for its turn at this scrape.');
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  const parts = [
    [gauge('min_', 'Shortest event-loop delay since the last scrape.'), () => delays.min],
    [gauge('max_', 'Longest event-loop delay since the last scrape.'), () => delays.max],
    [gauge('mean_', 'Mean event-loop delay since the last scrape.'), () => delays.mean],
    [gauge('stddev_', 'Standard deviation of event-loop delays since the last scrape.'), () => delays.stddev],
    [gauge('p50_', '50th percentile of event-loop delays since the last scrape.'), () => delays.percentile(50)],
    [gauge('p90_', '90th percentile of event-loop delays since the last scrape.'), () => delays.percentile(90)],
    [gauge('p99_', '99th percentile of event-loop delays since the last scrape.'), () => delays.percentile(99)],
  ] as const;
  delays.enable();
  return {
    refresh: async () => {
      const askedMs = performance.now();
      await new Promise(setImmediate);
      lag.set((performance.now() - askedMs) / 1000);
      // Nothing was seen yet right after another scrape: what that one said stays.
      if (delays.count === 0) return;
      for (const [part, nanoseconds] of parts) part.set(nanoseconds() / 1e9);
      delays.reset();
    },
    stop: () => void delays.disable(),
  };
}

const KINDS: ReadonlyMap<number, string> = new Map([
  [constants.NODE_PERFORMANCE_GC_MAJOR, 'major'],
  [constants.NODE_PERFORMANCE_GC_MINOR, 'minor'],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, 'incremental'],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, 'weakcb'],
]);

function observeCollections(registry: Registry): PerformanceObserver {
  const durations = new Histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
    labelNames: ['kind'],
    registers: [registry],
    buckets: [0.001, 0.01, 0.1, 1, 2, 5],
  });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) durations.observe({ kind: kindOf(entry) }, entry.duration / 1000);
  });
  observer.observe({ entryTypes: ['gc'] });
  return observer;
}

function kindOf(entry: PerformanceEntry): string {
  const { detail } = entry as PerformanceEntry & { readonly detail?: { readonly kind?: number } };
  return KINDS.get(detail?.kind ?? -1) ?? 'other';
}
