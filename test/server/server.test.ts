import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runProcess, startProcess } from '../support/server-process.ts';
import { query } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

const FLAGS = [
  'data',
  'host',
  'port',
  'memory',
  'spill',
  'threads',
  'query-timeout',
  'body-limit',
  'max-depth',
  'max-aliases',
  'max-tokens',
  'origins',
  'log-level',
];

async function serving(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const directory = await temporaryDirectory();
  return { directory, ...(await startProcess({ args: ['--port', '0', '--data', directory, ...args], env })) };
}

/** Sends an operation, and resolves `sent` when its bytes have left. */
function slowly(url: string, document: string): { sent: Promise<void>; answer: Promise<{ status: number | undefined; text: string }> } {
  const body = JSON.stringify({ query: document });
  const { hostname, port } = new URL(url);
  const outgoing = request({
    hostname,
    port,
    path: '/graphql',
    method: 'POST',
    agent: false,
    headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
  });
  const answer = new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
    outgoing.on('error', reject);
    outgoing.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (piece: string) => {
        text += piece;
      });
      response.on('end', () => resolve({ status: response.statusCode, text }));
    });
  });
  const sent = new Promise<void>((resolve) => outgoing.end(body, () => resolve()));
  return { sent, answer };
}

describe('the server as a process', () => {
  it('says where it serves, answers on its routes, and ends with 0 on SIGTERM', async () => {
    const { url, child, exited, directory } = await serving();
    const get = async (path: string): Promise<[number, string | null, string]> => {
      const response = await fetch(`${url}${path}`, { redirect: 'manual' });
      return [response.status, response.headers.get('location'), await response.text()];
    };
    expect(await get('/health')).toEqual([200, null, '{"status":"ok"}\n']);
    expect(await get('/ready')).toEqual([200, null, '{"status":"ready","snapshotId":0,"schema":0}\n']);
    expect((await get('/schema.graphql'))[2]).toContain('type Query');
    expect(await get('/')).toEqual([302, 'graphql', '']);
    const [status, , text] = await get('/nothing/here');
    expect(status).toBe(404);
    expect(JSON.parse(text)).toMatchObject({
      errors: [{ message: expect.stringContaining('/graphql'), extensions: { code: expect.any(String), details: {} } }],
    });
    child.kill('SIGTERM');
    const exit = await exited;
    expect(exit).toMatchObject({ code: 0, signal: null, stderr: '' });
    const lines = exit.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ url, data: directory, snapshotId: 0, msg: expect.stringContaining(`${url}/graphql`) });
    expect(lines.slice(1).map(({ msg }) => msg)).toEqual(['stopping', 'stopped']);
  });

  it.each(['SIGTERM', 'SIGINT'] as const)('on %s it finishes the requests under way, and keeps what they committed', async (signal) => {
    const { url, child, exited, directory } = await serving();
    const create = 'mutation { createTable(input: {name: "t", columns: [{name: "a", type: INT}]}) { replayed } }';
    await query(url, create);
    const at = new Date(Date.now() + 1500).toISOString();
    const waiting = slowly(url, `{ asOf(timestamp: "${at}") { snapshotId } }`);
    await waiting.sent;
    await fetch(`${url}/health`);
    const writing = slowly(url, 'mutation { append(table: "t", rows: [{a: 1}]) { commit { snapshotId } } }');
    await writing.sent;
    await fetch(`${url}/health`);
    child.kill(signal);
    const answers = await Promise.all([waiting.answer, writing.answer]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200]);
    expect(JSON.parse(answers[0].text)).toEqual({ data: { asOf: { snapshotId: expect.any(Number) } } });
    expect(JSON.parse(answers[1].text)).toEqual({ data: { append: { commit: { snapshotId: 2 } } } });
    expect(await exited).toMatchObject({ code: 0, signal: null, stderr: '' });
    const again = await startProcess({ args: ['--port', '0', '--data', directory] });
    expect((await query(again.url, '{ asOf { snapshotId t { nodes { a } } } }')).data).toEqual({
      asOf: { snapshotId: 2, t: { nodes: [{ a: 1 }] } },
    });
  });

  it('ends on SIGTERM although clients keep idle connections open', async () => {
    const { url, child, exited } = await serving();
    await Promise.all(Array.from({ length: 5 }, () => fetch(`${url}/health`).then((response) => response.text())));
    const started = performance.now();
    child.kill('SIGTERM');
    expect(await exited).toMatchObject({ code: 0 });
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('a second one on the same data directory is told which process has it, and the first goes on', async () => {
    const first = await serving();
    const second = runProcess({ args: ['--port', '0', '--data', first.directory] });
    const { code, stderr, stdout } = await second.exited;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^tidemark: /);
    expect(stderr).toContain(String(first.child.pid));
    expect(stderr).not.toContain('    at ');
    expect(stdout).toBe('');
    expect((await query(first.url, '{ asOf { snapshotId } }')).data).toEqual({ asOf: { snapshotId: 0 } });
  });

  it('on a port that is taken it says so, and how to choose another', async () => {
    const first = await serving();
    const { port } = new URL(first.url);
    const { code, stderr } = await runProcess({ args: ['--port', port, '--data', await temporaryDirectory()] }).exited;
    expect(code).toBe(1);
    expect(stderr).toBe(`tidemark: port ${port} on 127.0.0.1 is taken; choose another with --port\n`);
  });

  it.runIf(process.platform === 'linux')('with too few file descriptors it says how many it needs', async () => {
    const { code, stderr } = await runProcess({ args: ['--port', '0', '--data', await temporaryDirectory()], descriptors: 200 }).exited;
    expect(code).toBe(1);
    expect(stderr).toBe(
      'tidemark: this process may have 200 files open, and needs 256 at least; raise the limit, for example with ulimit -n 4096\n',
    );
  });

  it('makes its data directory, with the folders above it', async () => {
    const directory = join(await temporaryDirectory(), 'a', 'b');
    const { url } = await startProcess({ args: ['--port', '0', '--data', directory] });
    expect((await fetch(`${url}/ready`)).status).toBe(200);
  });

  it('a host that is no address of this machine, or a data directory that is a file, is explained without a stack', async () => {
    const directory = await temporaryDirectory();
    const host = await runProcess({ args: ['--host', '192.0.2.1', '--port', '0', '--data', directory] }).exited;
    const file = await runProcess({ args: ['--port', '0', '--data', new URL(import.meta.url).pathname] }).exited;
    for (const { code, stderr } of [host, file]) {
      expect(code).toBe(1);
      expect(stderr).toMatch(/^tidemark: /);
      expect(stderr).not.toContain('    at ');
    }
    expect(host.stderr).toContain('192.0.2.1');
  });
});

describe('flags and variables', () => {
  it('--help lists every flag with its variable, and --version the version', async () => {
    const { code, stdout } = await runProcess({ args: ['--help'] }).exited;
    expect(code).toBe(0);
    for (const flag of FLAGS) {
      const line = stdout.split('\n').find((each) => each.trim().startsWith(`--${flag} `));
      expect(line, flag).toContain(`TIDEMARK_${flag.replaceAll('-', '_').toUpperCase()}`);
    }
    const listed = [...stdout.matchAll(/^ {2}--([a-z-]+) [A-Z]/gm)].map(([, flag]) => flag);
    expect(listed).toEqual(expect.arrayContaining(FLAGS));
    expect((await runProcess({ args: ['-h'] }).exited).stdout).toBe(stdout);
    expect((await runProcess({ args: ['--version'] }).exited).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('are read from variables, and a flag wins over its variable', async () => {
    const directory = await temporaryDirectory();
    const env = { TIDEMARK_DATA: directory, TIDEMARK_PORT: '0', TIDEMARK_MAX_DEPTH: '3', TIDEMARK_MAX_ALIASES: '0' };
    const { url } = await startProcess({ args: ['--max-aliases', '1'], env });
    const code = async (document: string): Promise<unknown> => (await query(url, document)).errors?.[0]?.extensions;
    expect(await code('{ tables { nodes { currentSnapshot { id } } } }')).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 'depthMax', maximum: 3 },
    });
    expect(await code('{ a: asOf { id } }')).toBeUndefined();
    expect(await code('{ a: asOf { id } b: asOf { id } }')).toMatchObject({
      code: 'LIMIT_EXCEEDED',
      details: { limit: 'aliasesMax', maximum: 1 },
    });
  });

  it.each([
    [['--nope'], {}, '--nope'],
    [['extra'], {}, 'extra'],
    [['--port'], {}, '--port'],
    [['--port', 'abc'], {}, '--port'],
    [['--port', '65536'], {}, '--port'],
    [['--port', '-1'], {}, '--port'],
    [['--port', '1.5'], {}, '--port'],
    [['--port', ''], {}, '--port'],
    [['--query-timeout', '0'], {}, '--query-timeout'],
    [['--data', ''], {}, '--data'],
    [['--log-level', 'loud'], {}, '--log-level'],
    [['--max-depth', '2'], {}, '--max-depth'],
    [[], { TIDEMARK_NOPE: '1' }, 'TIDEMARK_NOPE'],
    [[], { TIDEMARK_PORT: 'abc' }, 'TIDEMARK_PORT'],
    [[], { TIDEMARK_MEMORY: '1' }, 'TIDEMARK_MEMORY'],
    [[], { TIDEMARK_BODY_LIMIT: '1k' }, 'TIDEMARK_BODY_LIMIT'],
  ])('%j with %j: it ends with 2 before anything starts, and names the mistake', async (args, env, named) => {
    const directory = await temporaryDirectory();
    const failure = await startProcess({ args, env: { TIDEMARK_DATA: directory, ...env } as Record<string, string> }).then(
      () => 'it serves',
      (error: Error) => error.message,
    );
    expect(failure).toMatch(/^the server ended with 2 before it served: tidemark: [^\n]+\n$/);
    expect(failure).toContain(named);
  });
});
