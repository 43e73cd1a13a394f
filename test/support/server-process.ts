/** The server as a process of its own, as `npm start` runs it: the compiled program, signals, exit codes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const PROGRAM = fileURLToPath(new URL('../../bin/tidemark.cjs', import.meta.url));

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ServerProcess {
  readonly child: ChildProcess;
  /** Resolves when it has ended. */
  readonly exited: Promise<Exit>;
}

/** This process's environment without settings of Tidemark. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEMARK_')));
}

export interface ProcessOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Files and sockets that the process may have open. */
  readonly descriptors?: number;
}

/** Runs the program; it is killed when the test ends, if it has not ended by itself. */
export function runProcess({ args = [], env = {}, descriptors }: ProcessOptions): ServerProcess {
  const program = [process.execPath, PROGRAM, ...args];
  const limited = descriptors === undefined ? program : ['sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', ...program];
  const child = spawn(limited[0] as string, limited.slice(1), {
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text.stdout += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    text.stderr += piece;
  });
  const exited = once(child, 'close').then(
    ([code, signal]): Exit => ({ ...text, code: code as number | null, signal: signal as NodeJS.Signals | null }),
  );
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await exited;
  });
  return { child, exited };
}

/** Runs the program as a server, and waits until it serves. */
export async function startProcess(options: ProcessOptions): Promise<ServerProcess & { readonly url: string }> {
  const running = runProcess(options);
  const { stdout } = running.child;
  if (stdout === null) throw new Error('the child has no stdout');
  const url = new Promise<string>((resolve) => {
    createInterface({ input: stdout }).on('line', (line) => {
      const { url: found } = JSON.parse(line) as { url?: string };
      if (found !== undefined) resolve(found);
    });
  });
  const ended = running.exited.then(({ code, stderr }): never => {
    throw new Error(`the server ended with ${code} before it served: ${stderr}`);
  });
  ended.catch(() => {});
  return { ...running, url: await Promise.race([url, ended]) };
}
