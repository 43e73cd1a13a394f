/** The command line: flags, then TIDEMARK_* variables, then defaults; checked as a whole before anything starts. */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { nearest } from '../../engine/index.ts';
import { OPTIONS, type ServerConfig } from './options.ts';

/** Variables of what is run beside a server and hands its environment on: tests, benchmarks, the demo. */
const OF_TOOLS = /^TIDEMARK_(?:TEST|BENCH)(?:_|$)/;

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
  const known = Object.values(OPTIONS).map((option) => option.variable);
  const unknown = Object.keys(environment).find(
    (name) => name.startsWith('TIDEMARK_') && !(known as readonly string[]).includes(name) && !OF_TOOLS.test(name),
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
        `${place}: ${JSON.stringify(given)} is not allowed: ${parsed.error.issues[0]?.message ?? 'invalid'} (${option.text})`,
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
