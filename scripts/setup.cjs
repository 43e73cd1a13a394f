/** What `npm start` and `npm test` do before their work on a fresh clone: install what is missing, build what is stale. */
const { createHash } = require('node:crypto');
const { spawn, spawnSync } = require('node:child_process');
const { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { followParent } = require('../bin/follow-parent.cjs');

const root = join(__dirname, '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`tidemark: Node 20.19 or newer is needed, this is ${process.version}`);
  process.exit(1);
}

/** Runs a command with this process's terminal; ends this process where it fails. */
function run(command, args, options = {}) {
  const result = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32', ...options });
  if (result.error) throw result.error;
  if (result.status !== 0) process.exit(result.status ?? 1);
}

/**
 * Runs a command that may go on for long, and ends as it ends. Signals that this process gets go to the command, and it ends
 * with npm where npm started this process: nothing is left running behind a script that was stopped.
 */
function runLong(command, args, options = {}) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32', ...options });
  const end = (signal) => child.kill(signal);
  // Ctrl-C at a terminal reaches the command by itself; this process stays to see it end.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => end(signal));
  followParent(() => end('SIGTERM'));
  child.once('error', (error) => {
    console.error(error);
    process.exitCode = 1;
  });
  child.once('exit', (status) => {
    process.exitCode = status ?? 1;
  });
}

const bin = (name) => join(root, 'node_modules', '.bin', name);

/** Installs exactly what the lock file names, unless that was done already. */
function ensureInstalled() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules', '.tidemark-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  console.error('tidemark: installing dependencies (once)');
  // Progress goes to stderr, so that what a command prints on stdout is its own.
  run('npm', ['ci', '--no-fund', '--no-audit', '--loglevel=error'], { stdio: ['ignore', 2, 2] });
  writeFileSync(stamp, lock);
}

function newest(path) {
  const info = statSync(path);
  if (!info.isDirectory()) return info.mtimeMs;
  return Math.max(info.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

/** Compiles src to dist where a source is newer than the last build. */
function ensureBuilt() {
  const stamp = join(root, 'dist', '.built');
  const sources = ['src', 'tsconfig.json', 'tsconfig.build.json', 'tsconfig.types.json', 'package-lock.json'].map((name) =>
    newest(join(root, name)),
  );
  if (existsSync(stamp) && statSync(stamp).mtimeMs > Math.max(...sources)) return;
  console.error('tidemark: building');
  // Built beside the old one and put in its place at once, so that nobody finds half of it.
  const fresh = join(root, `dist.${process.pid}`);
  for (const project of ['tsconfig.build.json', 'tsconfig.types.json']) run(bin('tsc'), ['-p', project, '--outDir', fresh]);
  writeFileSync(join(fresh, '.built'), '');
  const dist = join(root, 'dist');
  const old = `${fresh}.old`;
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
  rmSync(old, { recursive: true, force: true });
}

module.exports = { root, run, runLong, bin, ensureInstalled, ensureBuilt };
