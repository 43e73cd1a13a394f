/** Mistakes at the terminal: each message names the flag, and what to write instead. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { ConfigError, parseCommandLine } from '../../src/server/index.ts';
import { temporaryDirectory } from '../support/support.ts';

function mistake(args: readonly string[], environment: Record<string, string> = {}): string {
  try {
    parseCommandLine(args, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('these flags are taken');
}

describe('flags and variables', () => {
  it.each([
    [['--prot', '1'], '--port'],
    [['--por=1'], '--port'],
    [['--dta', 'x'], '--data'],
    [['--DATA', 'x'], '--data'],
    [['--max-alias', '3'], '--max-aliases'],
    [['--querytimeout', '3'], '--query-timeout'],
    [['--hots', 'x'], '--host'],
  ])('%j suggests the nearest flag', (args, flag) => {
    expect(mistake(args)).toContain(`did you mean ${flag}?`);
  });

  it('suggests nothing where nothing is near, and still says how to list the flags', () => {
    for (const args of [['--xyzzy'], [`--${'long'.repeat(100)}`]]) {
      expect(mistake(args)).not.toContain('did you mean');
      expect(mistake(args)).toContain('--help lists the flags');
    }
  });

  it('suggests the nearest variable', () => {
    expect(mistake([], { TIDEMARK_PROT: '1' })).toContain('did you mean TIDEMARK_PORT?');
  });

  it('flags that stand alone are off unless they are given, and their variables are on or off', () => {
    const flags = (args: readonly string[], environment: Record<string, string> = {}) => {
      const command = parseCommandLine(args, environment);
      return 'config' in command ? [command.config.acceptClock, command.config.newIncarnation] : [];
    };
    expect(flags([])).toEqual([false, false]);
    expect(flags(['--accept-clock'])).toEqual([true, false]);
    expect(flags(['--new-incarnation', '--accept-clock'])).toEqual([true, true]);
    expect(flags([], { TIDEMARK_NEW_INCARNATION: 'on', TIDEMARK_ACCEPT_CLOCK: 'off' })).toEqual([false, true]);
    expect(mistake([], { TIDEMARK_ACCEPT_CLOCK: 'yes' })).toContain('TIDEMARK_ACCEPT_CLOCK: "yes" is not allowed: ');
    expect(mistake(['--accept-clock=yes'])).toContain('--accept-clock');
  });

  it('a value that is not allowed is told with the reason and what the flag means', () => {
    expect(mistake(['--port', 'x'])).toContain('--port: "x" is not allowed: it is not a whole number (port to listen on');
  });

  it('a word without a flag, and a command that is none, say what is meant', () => {
    expect(mistake(['4001'])).toContain('npm start -- --port 4001');
    expect(mistake(['verfy'])).toContain('did you mean verify?');
    expect(mistake(['--port', '4001', 'more'])).toContain("'more'");
  });

  it('a flag that npm kept for itself is refused with the line that works', () => {
    const underNpm = { npm_lifecycle_event: 'start', npm_config_cache: '/home/somebody/.npm' };
    expect(mistake([], { ...underNpm, npm_config_port: '4001' })).toContain('npm start -- --port PORT');
    expect(mistake(['4001'], { ...underNpm, npm_config_port: 'true' })).toContain('npm start -- --port PORT');
    expect(mistake([], { ...underNpm, npm_config_max_depth: '3', npm_config_data: './x' })).toContain('--data DIR --max-depth N');
    expect(mistake([], { ...underNpm, npm_config_cache: '/somewhere/64' })).toContain('--cache MIB');
    expect(parseCommandLine(['--port', '1'], underNpm).kind).toBe('serve');
    // npx hands its flags on.
    expect(parseCommandLine(['--port', '1'], { npm_lifecycle_event: 'npx', npm_config_port: '2' }).kind).toBe('serve');
  });

  it('npm start --port 4001, without --, ends with a message and serves nothing', async () => {
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:TIDEMARK|npm)_/.test(name)));
    const { status, stderr } = spawnSync('npm', ['start', '--port', '4001', '--data', await temporaryDirectory()], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      env: environment,
      encoding: 'utf8',
    });
    expect(status).toBe(2);
    expect(stderr).toContain('tidemark: npm keeps flags before -- for itself; write npm start -- --data DIR --port PORT');
  });
});
