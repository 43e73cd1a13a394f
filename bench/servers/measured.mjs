/** Loaded before a server under measure: on SIGUSR2 it collects garbage and writes its memory to TIDEMARK_BENCH_MEMORY. */
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const path = process.env.TIDEMARK_BENCH_MEMORY;
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();

process.on('SIGUSR2', () => {
  const loopP99Ms = delay.percentile(99) / 1e6;
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  delay.reset();
  writeFileSync(`${path}.new`, JSON.stringify({ heapBytes: heapUsed, externalBytes: external, rssBytes: rss, loopP99Ms }));
  renameSync(`${path}.new`, path);
});
