/** Configuration: flags, then TIDEMARK_* variables, then defaults; checked as a whole before anything starts. */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { nearest } from '../engine/index.ts';
import { shareOfHeap } from './graphql/answer-limits.ts';

const MEBIBYTE = 1024 * 1024;

interface Option {
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

const OPTIONS = {
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

/** A mistake in flags or variables; the message is for the person at the terminal. */
export class ConfigError extends Error {}

export type ParsedCommandLine =
  | { readonly kind: 'serve' | 'verify'; readonly config: ServerConfig }
  | { readonly kind: 'help' }
  | { readonly kind: 'version' };

/** @throws ConfigError naming the flag or variable, and what it takes */
export function parseCommandLine(args: readonly string[], environment: Readonly<Record<string, string | undefined>>): ParsedCommandLine {
  refuseFlagsThatNpmKept(environment);
  const verifies = args[0] === 'verify';
  const flags = readFlags(verifies ? args.slice(1) : args);
  if (flags['help'] === true) return { kind: 'help' };
  if (flags['version'] === true) return { kind: 'version' };
  const known = new Set<string>([
    ...Object.values(OPTIONS).map((option) => option.variable),
    'TIDEMARK_CRASH_ROUNDS',
    'TIDEMARK_DEMO_ROWS',
    'TIDEMARK_RANDOM_RUNS',
    'TIDEMARK_RANDOM_SEED',
    'TIDEMARK_TORTURE',
  ]);
  const unknown = Object.keys(environment).find(
    (name) => name.startsWith('TIDEMARK_') && !known.has(name) && !name.startsWith('TIDEMARK_TEST_') && !name.startsWith('TIDEMARK_BENCH_'),
  );
  if (unknown !== undefined) {
    throw new ConfigError(`unknown variable ${unknown}${suggestion(nearest(unknown, known))}; --help lists them`);
  }
  const config = Object.fromEntries(
    Object.entries(OPTIONS).map(([name, option]) => {
      const flag = flags[option.flag];
      const given = flag ?? environment[option.variable];
      const parsed = option.schema.safeParse(given);
      if (parsed.success) return [name, parsed.data];
      const place = flag === undefined ? option.variable : `--${option.flag}`;
      throw new ConfigError(
        `${place}: ${JSON.stringify(given)} is not allowed:  ${parsed.error.issues[0]?.message ?? 'invalid'}; it is the ${option.text}`,
      );
    }),
  );
  return { kind: verifies ? 'verify' : 'serve', config: config as ServerConfig };
}

function readFlags(args: readonly string[]): Record<string, string | boolean | undefined> {
  const options: Record<string, { type: 'string' } | { type: 'boolean'; short?: string }> = {
    help: { type: 'boolean', short: 'h' },
    version: { type: 'boolean', short: 'v' },
  };
  for (const option of Object.values(OPTIONS)) options[option.flag] = { type: option.argument === '' ? 'boolean' : 'string' };
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values as Record<
      string,
      string | boolean | undefined
    >;
  } catch (error) {
    throw new ConfigError(`${flagMistake(error as NodeJS.ErrnoException, args, Object.keys(options))}; --help lists the flags`);
  }
}

function flagMistake(error: NodeJS.ErrnoException, args: readonly string[], flags: readonly string[]): string {
  const [said = error.message] = error.message.split(/\.\s/);
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const name = /'--?([^'=]+)/.exec(error.message)?.[1] ?? '';
    return `${said}${suggestion(nearest(name, flags), '--')}`;
  }
  if (error.code !== 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return said;
  const word = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  const command = nearest(word, ['verify']);
  if (command !== undefined && args[0] === word) return `there is no command ${word}${suggestion(command)}`;
  // npm drops the flag and hands on its value alone.
  return `${said}; every value stands behind its flag, such as --port 4001${args[0] === word ? ' (with npm: npm start -- --port 4001)' : ''}`;
}

function suggestion(name: string | undefined, prefix = ''): string {
  return name === undefined ? '' : `; did you mean ${prefix}${name}?`;
}

/**
 * `npm start --port 4001`, without `--`, gives the flag to npm, which hands it on as a variable: a server that then listens on
 * its default port, or keeps its data elsewhere, is not what was asked for. @throws ConfigError
 */
function refuseFlagsThatNpmKept(environment: Readonly<Record<string, string | undefined>>): void {
  if (environment['npm_lifecycle_event'] !== 'start') return;
  const kept = Object.values(OPTIONS).filter(({ flag }) => {
    const value = environment[`npm_config_${flag.replaceAll('-', '_')}`];
    // npm has a flag of its own of this name, a folder, which is always there.
    return value !== undefined && (flag !== 'cache' || /^\d+$/.test(basename(value)));
  });
  if (kept.length === 0) return;
  const flags = kept.map(({ flag, argument }) => `--${flag} ${argument}`).join(' ');
  throw new ConfigError(`npm keeps flags before -- for itself; write npm start -- ${flags}`);
}

/** The text of --help. */
export function helpText(): string {
  const lines = Object.values(OPTIONS).map((option: Option) => {
    const parsed = option.schema.safeParse(undefined);
    const fallback =
      parsed.success && parsed.data !== undefined && parsed.data !== false && !Array.isArray(parsed.data)
        ? ` (${String(parsed.data)})`
        : '';
    return `  ${`--${option.flag} ${option.argument}`.trim().padEnd(30)} ${option.variable.padEnd(33)} ${option.text}${fallback}`;
  });
  return [
    'Tidemark: a GraphQL database of snapshots.',
    '',
    'Usage: tidemark [flags]           serves; from a checkout: npm start -- [flags]',
    '       tidemark verify [flags]    reads everything that is stored, recomputes its hashes, and exits with 1 if something is wrong',
    '',
    `  ${'flag'.padEnd(30)} ${'variable'.padEnd(33)} meaning (default)`,
    ...lines,
    `  ${'--help, -h'.padEnd(30)} ${''.padEnd(33)} this text`,
    `  ${'--version, -v'.padEnd(30)} ${''.padEnd(33)} the version`,
    '',
    'A flag wins over its variable. Unknown flags and TIDEMARK_ variables are errors.',
  ].join('\n');
}
