/** Writes schema.graphql: the fixed part of the API and the types of a catalog, the demo's and the examples'; with --check, compares. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openEngine, Session, type TableDefinition } from '../src/engine/index.ts';
import { SchemaProvider } from '../src/schema/index.ts';
import { DEMO_TABLES, README_ORDERS } from './demo-tables.ts';

const isCheck = process.argv.includes('--check');

/** The SDL of a catalog with some tables. */
async function sdlOf(tables: readonly TableDefinition[]): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'tidemark-schema-'));
  const engine = await openEngine({ directory });
  for (const table of tables) await engine.createTable(table);
  const sdl = await new SchemaProvider(new Session(engine)).current().sdl();
  await engine.close();
  await rm(directory, { recursive: true, force: true });
  return sdl;
}

async function write(path: string, tables: readonly TableDefinition[], what: string): Promise<void> {
  const sdl = `# Written by npm run codegen: the fixed part of the API, and the types of ${what}.\n\n${await sdlOf(tables)}`;
  const target = fileURLToPath(new URL(`../${path}`, import.meta.url));
  if (!isCheck) {
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, sdl);
  } else if (!existsSync(target) || readFileSync(target, 'utf8') !== sdl) {
    process.stderr.write(`${path} is not fresh: run npm run codegen\n`);
    process.exitCode = 1;
  }
}

await write('schema.graphql', DEMO_TABLES, 'the demo catalog (scripts/demo-tables.ts)');
await write('examples/generated/schema.graphql', [README_ORDERS], "the README's table");
