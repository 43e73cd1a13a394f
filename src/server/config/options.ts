/** What the server can be told: a flag, a TIDEMARK_* variable, a default and a check for each option. */
import { z } from 'zod';
import { shareOfHeap } from '../graphql/answer-limits.ts';

const MEBIBYTE = 1024 * 1024;

export interface Option {
  readonly flag: string;
  readonly variable: string;
  /** What its value is called; empty for a flag that stands alone, whose variable is `on` or `off`. */
  readonly argument: string;
  readonly text: string;
  readonly schema: z.ZodType;
}

const integer = (minimum: number, maximum: number) =>
  z
    .string()
    .regex(/^-?\d+$/, 'it is not a whole number')
    .transform(Number)
    .pipe(z.number().min(minimum).max(maximum));

/** A flag that stands alone. */
const onOff = z.union([z.boolean(), z.enum(['on', 'off']).transform((value) => value === 'on')]);

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** 30d, 12h, 45m or 90s, as milliseconds. */
const age = z
  .string()
  .regex(/^\d{1,9}[smhd]$/, 'it is not an age such as 30d, 12h, 45m or 90s')
  .transform((text) => Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] as number));

export const OPTIONS = {
  data: {
    flag: 'data',
    variable: 'TIDEMARK_DATA',
    argument: 'DIR',
    text: 'data directory; created if it does not exist',
    schema: z.string().min(1).default('./tidemark-data'),
  },
  host: {
    flag: 'host',
    variable: 'TIDEMARK_HOST',
    argument: 'HOST',
    text: 'address to listen on',
    schema: z.string().min(1).default('127.0.0.1'),
  },
  port: {
    flag: 'port',
    variable: 'TIDEMARK_PORT',
    argument: 'PORT',
    text: 'port to listen on; 0 takes a free one',
    schema: integer(0, 65535).default(4000),
  },
  memoryMiB: {
    flag: 'memory',
    variable: 'TIDEMARK_MEMORY',
    argument: 'MIB',
    text: 'memory for queries, MiB; by default a quarter of the machine, at most 4096',
    schema: integer(64, 4 * MEBIBYTE).optional(),
  },
  cacheMiB: {
    flag: 'cache',
    variable: 'TIDEMARK_CACHE',
    argument: 'MIB',
    text: 'memory for decoded rows, MiB',
    schema: integer(0, 1024 * 1024).default(128),
  },
  spillMiB: {
    flag: 'spill',
    variable: 'TIDEMARK_SPILL',
    argument: 'MIB',
    text: 'temporary disk for queries, MiB',
    schema: integer(0, 1024 * MEBIBYTE).default(16384),
  },
  threads: {
    flag: 'threads',
    variable: 'TIDEMARK_THREADS',
    argument: 'N',
    text: 'threads of one query; by default the number of cores less two',
    schema: integer(1, 1024).optional(),
  },
  queryTimeoutMs: {
    flag: 'query-timeout',
    variable: 'TIDEMARK_QUERY_TIMEOUT',
    argument: 'MS',
    text: 'time for one query',
    schema: integer(1, 24 * 3600 * 1000).default(30_000),
  },
  bodyLimitBytes: {
    flag: 'body-limit',
    variable: 'TIDEMARK_BODY_LIMIT',
    argument: 'BYTES',
    text: 'largest request body or WebSocket message',
    schema: integer(1024, 1024 * MEBIBYTE).default(shareOfHeap(1 / 24, 32 * MEBIBYTE)),
  },
  answerMiB: {
    flag: 'max-answer',
    variable: 'TIDEMARK_MAX_ANSWER',
    argument: 'MIB',
    text: 'largest answer, and most memory for the rows of one answer, MiB; by default 64, or an eighth of the JavaScript heap if that is less',
    schema: integer(1, 256).optional(),
  },
  depthMax: {
    flag: 'max-depth',
    variable: 'TIDEMARK_MAX_DEPTH',
    argument: 'N',
    text: 'deepest nesting of a document',
    schema: integer(3, 1000).default(20),
  },
  aliasesMax: {
    flag: 'max-aliases',
    variable: 'TIDEMARK_MAX_ALIASES',
    argument: 'N',
    text: 'most aliases in a document',
    schema: integer(0, 100_000).default(100),
  },
  tokensMax: {
    flag: 'max-tokens',
    variable: 'TIDEMARK_MAX_TOKENS',
    argument: 'N',
    text: 'most tokens in a document',
    schema: integer(100, 10_000_000).default(20_000),
  },
  directivesMax: {
    flag: 'max-directives',
    variable: 'TIDEMARK_MAX_DIRECTIVES',
    argument: 'N',
    text: 'most directives in a document',
    schema: integer(0, 10_000).default(200),
  },
  fragmentsMax: {
    flag: 'max-fragments',
    variable: 'TIDEMARK_MAX_FRAGMENTS',
    argument: 'N',
    text: 'most fragments that a document spreads or writes inline',
    schema: integer(0, 10_000).default(500),
  },
  fieldsMax: {
    flag: 'max-fields',
    variable: 'TIDEMARK_MAX_FIELDS',
    argument: 'N',
    text: 'most fields of an operation; the fields of a fragment count each time it is spread',
    schema: integer(100, 1_000_000).default(10_000),
  },
  documentKiB: {
    flag: 'max-document',
    variable: 'TIDEMARK_MAX_DOCUMENT',
    argument: 'KIB',
    text: 'longest text of a document, KiB; values belong in variables',
    schema: integer(16, 1024 * 1024).default(1024),
  },
  documentCacheMiB: {
    flag: 'document-cache',
    variable: 'TIDEMARK_DOCUMENT_CACHE',
    argument: 'MIB',
    text: 'memory for parsed documents and answers of introspection, MiB each',
    schema: integer(0, 1024 * 1024).default(32),
  },
  origins: {
    flag: 'origins',
    variable: 'TIDEMARK_ORIGINS',
    argument: 'LIST',
    text: "web origins that may use the API beside this machine's own, comma-separated; * for all",
    schema: z
      .string()
      .default('')
      .transform((text) =>
        text
          .split(',')
          .map((item) => item.trim())
          .filter((item) => item !== ''),
      ),
  },
  retentionMaxAgeMs: {
    flag: 'retention-max-age',
    variable: 'TIDEMARK_RETENTION_MAX_AGE',
    argument: 'AGE',
    text: 'snapshots older than this may expire (30d, 12h, 45m or 90s), of tables without a policy of their own; by default never',
    schema: age.optional(),
  },
  retentionMinSnapshots: {
    flag: 'retention-min-snapshots',
    variable: 'TIDEMARK_RETENTION_MIN_SNAPSHOTS',
    argument: 'N',
    text: 'the newest snapshots that are always kept, of tables without a policy of their own',
    schema: integer(1, 1_000_000_000).optional(),
  },
  connectionsMax: {
    flag: 'max-connections',
    variable: 'TIDEMARK_MAX_CONNECTIONS',
    argument: 'N',
    text: "most connections at once; by default half of the process's descriptors, at most 25000",
    schema: integer(1, 1024 * 1024).optional(),
  },
  socketsMax: {
    flag: 'max-sockets',
    variable: 'TIDEMARK_MAX_SOCKETS',
    argument: 'N',
    text: 'most WebSockets, and most event streams, at once',
    schema: integer(1, 1024 * 1024).default(10_000),
  },
  subscriptionsMax: {
    flag: 'max-subscriptions',
    variable: 'TIDEMARK_MAX_SUBSCRIPTIONS',
    argument: 'N',
    text: 'most operations under way on one WebSocket',
    schema: integer(1, 1024 * 1024).default(100),
  },
  socketBufferKiB: {
    flag: 'socket-buffer',
    variable: 'TIDEMARK_SOCKET_BUFFER',
    argument: 'KIB',
    text: 'events in a connection that its client has not read, KiB; past it the client is paused until it has read',
    schema: integer(1, 1024 * 1024).default(256),
  },
  socketStallMs: {
    flag: 'socket-stall',
    variable: 'TIDEMARK_SOCKET_STALL',
    argument: 'MS',
    text: 'time for a paused client to read, milliseconds; then its connection is closed',
    schema: integer(100, 24 * 3600 * 1000).default(10_000),
  },
  metrics: {
    flag: 'metrics',
    variable: 'TIDEMARK_METRICS',
    argument: 'ON',
    text: 'on or off: figures for Prometheus at /metrics',
    schema: z.enum(['on', 'off']).default('on'),
  },
  acceptClock: {
    flag: 'accept-clock',
    variable: 'TIDEMARK_ACCEPT_CLOCK',
    argument: '',
    text: "for one start: the machine's clock is right, though it is far ahead of the newest commit",
    schema: onOff.default(false),
  },
  newIncarnation: {
    flag: 'new-incarnation',
    variable: 'TIDEMARK_NEW_INCARNATION',
    argument: '',
    text: 'for one start: the data directory was restored by a snapshot of its file system or machine',
    schema: onOff.default(false),
  },
  logLevel: {
    flag: 'log-level',
    variable: 'TIDEMARK_LOG_LEVEL',
    argument: 'LEVEL',
    text: 'trace, debug, info, warn, error or silent',
    schema: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
  },
} as const satisfies Record<string, Option>;

export type ServerConfig = { readonly [Name in keyof typeof OPTIONS]: z.output<(typeof OPTIONS)[Name]['schema']> };
