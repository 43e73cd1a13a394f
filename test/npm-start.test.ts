/** npm start under a supervisor: a signal to npm reaches the server, though npm puts a shell between. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { temporaryDirectory } from './support.ts';

it('SIGTERM to npm stops the server that npm start runs', async () => {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEMARK_')));
  const npm = spawn('npm', ['start', '--', '--port', '0', '--data', await temporaryDirectory()], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: ['ignore', 'pipe', 'ignore'],
    env: environment,
  });
  let url: URL | undefined;
  for await (const line of createInterface({ input: npm.stdout })) {
    if (!line.startsWith('{')) continue;
    url = new URL((JSON.parse(line) as { url: string }).url);
    break;
  }
  const socket = connect(Number(url?.port), '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  socket.resume();
  npm.kill('SIGTERM');
  await closed;
  expect(socket.destroyed).toBe(true);
});
