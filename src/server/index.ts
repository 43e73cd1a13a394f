/** The server: configuration, start and stop. */
export { ConfigError, helpText, type ParsedCommandLine, parseCommandLine, type ServerConfig } from './config.ts';
export { makeLogger } from './logging.ts';
export { engineOptions, type RunningServer, startServer, THREADPOOL_SIZE } from './server.ts';
