/**
 * node scripts/complete-lock.cjs: adds to package-lock.json the optional platform packages that npm left out because the
 * registry at hand does not carry them. Without their entries `npm ci` refuses the lock. Run it after changing dependencies.
 */
const { readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');

const PLATFORM =
  /(android|darwin|linux|win32|freebsd|openbsd|netbsd|sunos|aix|openharmony)-(arm64|x64|arm|ia32|ppc64|s390x|riscv64|loong64|mips64el)(-musl)?/;
const path = join(__dirname, '..', 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));

for (const [parent, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const key = `node_modules/${name}`;
    const platform = PLATFORM.exec(name);
    if (lock.packages[key] || lock.packages[`${parent}/${key}`] || platform === null || !/^\d/.test(version)) continue;
    lock.packages[key] = {
      version,
      ...(entry.dev ? { dev: true } : {}),
      optional: true,
      ...(platform[1] ? { os: [platform[1]] } : {}),
      cpu: [platform[2] ?? platform[5]],
      ...(platform[3] ? { libc: ['musl'] } : {}),
    };
    console.log(`added ${name} ${version}`);
  }
}
lock.packages = Object.fromEntries(Object.entries(lock.packages).sort(([left], [right]) => (left < right ? -1 : 1)));
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
