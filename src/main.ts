/** The command line: `tidemark --data DIR --port 4000`, and `tidemark verify --data DIR`. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, openEngine } from './engine/index.ts';
import {
  ConfigError,
  engineOptions,
  helpText,
  makeLogger,
  parseCommandLine,
  type RunningServer,
  type ServerConfig,
  startServer,
} from './server/index.ts';

const EXIT_USAGE = 2;
/** How long a process whose server has stopped may take to end by itself. */
const STUCK_WAIT_MS = 500;

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return manifest.version;
}

async function serve(config: ServerConfig): Promise<void> {
  const logger = makeLogger(config, process.stdout.isTTY === true);
  let server: RunningServer;
  try {
    server = await startServer(config, logger);
  } catch (error) {
    process.stderr.write(`tidemark: ${startFailure(error, config)}\n`);
    process.exitCode = 1;
    return;
  }
  logger.info(
    { url: server.url, data: server.engine.directory, snapshotId: server.engine.headSnapshotId },
    `Tidemark serves ${server.url}/graphql`,
  );
  const stop = (signal: NodeJS.Signals): void => {
    logger.info({ signal }, 'stopping');
    server.stop().then(
      () => {
        logger.info('stopped');
        // All is closed. What keeps the process alive now is a query that DuckDB does not let go of; to exit would wait for it.
        setTimeout(() => process.kill(process.pid, signal), STUCK_WAIT_MS).unref();
      },
      (error: unknown) => {
        logger.error({ err: error }, 'stop failed');
        process.exitCode = 1;
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** Checks a data directory that no server has open. */
async function verify(config: ServerConfig): Promise<void> {
  if (!existsSync(join(config.data, 'catalog', 'CURRENT'))) {
    process.stderr.write(`tidemark: there is no database at ${config.data}; name one with --data DIR\n`);
    process.exitCode = 1;
    return;
  }
  try {
    const engine = await openEngine({ ...engineOptions(config), acceptClock: true });
    try {
      const { commits, dataFiles, rows, hash, findings, firstBadCommit } = await engine.verify();
      for (const { file, what } of findings) process.stdout.write(`${file}: ${what}\n`);
      const outcome = findings.length === 0 ? 'nothing is wrong' : `${findings.length} ${findings.length === 1 ? 'finding' : 'findings'}`;
      const first = firstBadCommit === null ? '' : `, the first in commit ${firstBadCommit}`;
      process.stdout.write(`${commits} commits, ${dataFiles} data files, ${rows} row versions: ${outcome}${first}\nhash ${hash ?? '-'}\n`);
      if (findings.length > 0) process.exitCode = 1;
    } finally {
      await engine.close();
    }
  } catch (error) {
    process.stderr.write(`tidemark: ${startFailure(error, config)}\n`);
    process.exitCode = 1;
  }
}

function startFailure(error: unknown, { host, port }: ServerConfig): string {
  if (error instanceof EngineError) return error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return `port ${port} on ${host} is taken; choose another with --port`;
  // What the operating system refuses explains itself: an address that is not this machine's, a file in the directory's place.
  if ((error as NodeJS.ErrnoException).syscall !== undefined) return (error as Error).message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

try {
  const command = parseCommandLine(process.argv.slice(2), process.env);
  if (command.kind === 'help') process.stdout.write(`${helpText()}\n`);
  else if (command.kind === 'version') process.stdout.write(`${version()}\n`);
  else if (command.kind === 'verify') await verify(command.config);
  else await serve(command.config);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`tidemark: ${error.message}\n`);
  process.exitCode = EXIT_USAGE;
}
