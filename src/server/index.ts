/** The server: configuration, start and stop. */
export { ConfigError, parseCommandLine } from './config/command-line.ts';
export { helpText } from './config/help.ts';
export type { ServerConfig } from './config/options.ts';
export { makeLogger } from './logging.ts';
export { engineOptions, type RunningServer, startServer, THREADPOOL_SIZE } from './server.ts';
