/** The demo's server: Tidemark as it is released, in a process of its own, on a directory that goes away; and a client of it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const STOP_MS = 20_000;

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string }[];
}

export class DemoServer {
  readonly url: string;
  readonly directory: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  private constructor(parts: { url: string; directory: string; child: ChildProcess; exited: Promise<unknown> }) {
    this.url = parts.url;
    this.directory = parts.directory;
    this.#child = parts.child;
    this.#exited = parts.exited;
  }

  static async start(): Promise<DemoServer> {
    const directory = await mkdtemp(join(tmpdir(), 'tidemark-demo-'));
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEMARK_')));
    const program = fileURLToPath(new URL('../bin/tidemark.cjs', import.meta.url));
    const child = spawn(process.execPath, [program, '--data', directory, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      // A terminal's Ctrl-C reaches every process of its group; the demo stops the server itself.
      detached: process.platform !== 'win32',
      env: { ...environment, UV_THREADPOOL_SIZE: '24', NODE_ENV: 'production' },
    });
    const exited = once(child, 'exit');
    try {
      return new DemoServer({ url: await announced(child), directory, child, exited });
    } catch (error) {
      await rm(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** The data of one operation over HTTP. */
  async query<Data>(query: string, variables: Readonly<Record<string, unknown>> = {}): Promise<Data> {
    const response = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = (await response.json()) as Answer;
    if (errors !== undefined || data == null)
      throw new Error(errors?.[0]?.message ?? `the server answered ${response.status} without data`);
    return data as Data;
  }

  /** Stops the server and removes its directory. */
  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGTERM');
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS);
      await this.#exited;
      clearTimeout(timer);
    }
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The address that the server logs once it serves. */
async function announced(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error('the server has no output');
  for await (const line of createInterface({ input: child.stdout })) {
    const { url } = line.startsWith('{') ? (JSON.parse(line) as { url?: string }) : {};
    if (url === undefined) continue;
    // What it logs later is read too, or it would wait for a full pipe.
    child.stdout.resume();
    return url;
  }
  throw new Error('the server ended before it was ready');
}
