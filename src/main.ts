/** The command line: `tidemark --data DIR --port 4000`. */
import { readFileSync } from 'node:fs';
import { EngineError } from './engine/index.ts';
import { ConfigError, helpText, makeLogger, parseCommandLine, type RunningServer, type ServerConfig, startServer } from './server/index.ts';

const EXIT_USAGE = 2;

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
      () => logger.info('stopped'),
      (error: unknown) => {
        logger.error({ err: error }, 'stop failed');
        process.exitCode = 1;
      },
    );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
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
  else await serve(command.config);
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`tidemark: ${error.message}\n`);
  process.exitCode = EXIT_USAGE;
}
