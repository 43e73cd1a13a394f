/** Servers that can be asked for their memory and for how late their event loop is. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ServerProcess, startNode } from './support.ts';

interface Memory {
  readonly heapBytes: number;
  /** Memory outside the heap that objects on it hold: buffers. */
  readonly externalBytes: number;
  readonly rssBytes: number;
  /** The delay of the event loop since the last question, 99th percentile. */
  readonly loopP99Ms: number;
}

export interface MeasuredServer extends ServerProcess {
  /** Collects garbage, then says what is left. */
  memory(): Promise<Memory>;
}

const PRELOAD = fileURLToPath(new URL('./servers/measured.mjs', import.meta.url));
const TOLD_WITHIN_MS = 30_000;

/** A server by its command line, with bench/servers/measured.mjs loaded before it. */
export async function startMeasured(directory: string, args: readonly string[]): Promise<MeasuredServer> {
  const path = join(directory, `memory-${basename(args[0] ?? '')}.json`);
  const server = await startNode(['--expose-gc', '--import', PRELOAD, ...args], undefined, { TIDEMARK_BENCH_MEMORY: path });
  const memory = async (): Promise<Memory> => {
    rmSync(path, { force: true });
    process.kill(server.pid, 'SIGUSR2');
    const until = performance.now() + TOLD_WITHIN_MS;
    while (!existsSync(path)) {
      if (performance.now() > until) throw new Error('the server does not tell its memory');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    return JSON.parse(readFileSync(path, 'utf8')) as Memory;
  };
  return { ...server, memory };
}

/** Tidemark as it is released, and to be asked for its memory. */
export function startMeasuredTidemark(directory: string): Promise<MeasuredServer> {
  return startMeasured(directory, ['bin/tidemark.cjs', '--data', `${directory}/tidemark`, '--port', '0']);
}
