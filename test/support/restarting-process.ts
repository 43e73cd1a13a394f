/** A server process that is killed in the middle of what it does, and started again on the same data and port. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { type ServerProcess, startProcess } from './server-process.ts';
import { temporaryDirectory } from './support.ts';

export interface RunningProcess {
  readonly url: string;
  /** SIGKILL; resolves when it has ended. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it serves. */
  start(): Promise<void>;
}

/** A port that nothing listens on now. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

export async function runningServer(flags: readonly string[] = []): Promise<RunningProcess> {
  const args = ['--data', await temporaryDirectory(), '--port', String(await freePort()), ...flags];
  const first = await startProcess({ args });
  let current: ServerProcess = first;
  return {
    url: first.url,
    kill: async () => {
      current.child.kill('SIGKILL');
      await current.exited;
    },
    start: async () => {
      current = await startProcess({ args });
    },
  };
}
