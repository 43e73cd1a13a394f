/** A server that comes and goes on one port, and sockets that are cut, for tests of clients that resume. */
import { createClient } from 'graphql-ws';
import { onTestFinished } from 'vitest';
import WebSocket from 'ws';
import { resumable, retryForever } from '../../src/client/index.ts';
import type { TableDefinition } from '../../src/engine/index.ts';
import { type TestServer, testServer, webSocketUrl } from './server-support.ts';
import { temporaryDirectory } from './support.ts';

export interface RestartingServer {
  /** The server of the moment. */
  readonly current: TestServer;
  readonly url: string;
  /** Stops it and starts it again on the same data and port; `meanwhile` runs on the data while nothing serves. */
  restart(): Promise<void>;
}

export async function restartingServer(tables: readonly TableDefinition[]): Promise<RestartingServer> {
  const directory = await temporaryDirectory();
  let current = await testServer({ directory, tables, expectErrorLogs: true });
  const { url } = current;
  const { port } = new URL(url);
  return {
    get current() {
      return current;
    },
    url,
    restart: async () => {
      await current.stop();
      current = await testServer({ directory, flags: ['--port', port], expectErrorLogs: true });
    },
  };
}

/** A graphql-ws client that resumes and never gives up, and the sockets that it opened; or a plain one that gives up at once. */
export function resumingClient(url: string, options: { resumes?: boolean } = {}) {
  const resumes = options.resumes !== false;
  const sockets: WebSocket[] = [];
  class CountedSocket extends WebSocket {
    constructor(address: string, protocols: string | string[]) {
      super(address, protocols);
      sockets.push(this);
    }
  }
  const plain = createClient({
    url: webSocketUrl(url),
    webSocketImpl: CountedSocket,
    ...(resumes ? { ...retryForever, retryWait: () => new Promise((resolve) => setTimeout(resolve, 20)) } : { retryAttempts: 0 }),
  });
  // A socket that closes at this very moment is none to close.
  onTestFinished(() => Promise.resolve(plain.dispose()).catch(() => {}));
  const client = resumes ? resumable(plain) : plain;
  return { client, sockets, cut: () => sockets.at(-1)?.terminate() };
}
