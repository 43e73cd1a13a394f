/** npm start under a supervisor: a signal to npm reaches the server, though npm puts a shell between. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { expect, it } from 'vitest';
import { testServer } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a command of npm's, ends npm once its server listens, and waits until the server has closed its connections. */
async function stoppedWithNpm(
  command: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly server?: string } = {},
): Promise<boolean> {
  const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TIDEMARK_')));
  const npm = spawn(command, args, {
    cwd: options.cwd ?? root,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...environment, ...(options.server === undefined ? {} : { SERVER: options.server }) },
  });
  let url: URL | undefined;
  for await (const line of createInterface({ input: npm.stdout })) {
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(stripVTControlCharacters(line));
    if (address === null) continue;
    url = new URL(address[0]);
    break;
  }
  const socket = connect(Number(url?.port), '127.0.0.1');
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  socket.resume();
  npm.kill('SIGTERM');
  await closed;
  return socket.destroyed;
}

it('SIGTERM to npm stops the server that npm start runs', async () => {
  expect(await stoppedWithNpm('npm', ['start', '--', '--port', '0', '--data', await temporaryDirectory()])).toBe(true);
});

it('SIGTERM to npx stops the server that npx tidemark runs', async () => {
  // An application that has the package installed.
  const application = await temporaryDirectory();
  await mkdir(join(application, 'node_modules', '.bin'), { recursive: true });
  await symlink(root, join(application, 'node_modules', 'tidemark'));
  await symlink('../tidemark/bin/tidemark.cjs', join(application, 'node_modules', '.bin', 'tidemark'));
  await writeFile(join(application, 'package.json'), '{"name": "application", "version": "1.0.0"}');
  const args = ['tidemark', '--port', '0', '--data', join(application, 'data')];
  expect(await stoppedWithNpm('npx', args, { cwd: application })).toBe(true);
});

it('SIGTERM to npm stops the pages that npm run example:urql serves', async () => {
  const server = await testServer();
  const args = ['run', 'example:urql', '--', '--port', '0'];
  expect(await stoppedWithNpm('npm', args, { server: server.url })).toBe(true);
});
