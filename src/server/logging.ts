/** Structured logs: JSON lines, or readable ones on a terminal. Quiet: what an operator must know, and errors. */
import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';
import type { ServerConfig } from './config/options.ts';

export function makeLogger({ logLevel }: Pick<ServerConfig, 'logLevel'>, terminal: boolean): Logger {
  const options = { level: logLevel, base: null };
  return terminal
    ? pino(options, pretty({ colorize: true, sync: true, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' }))
    : pino(options);
}
