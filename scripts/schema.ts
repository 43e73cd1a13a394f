/** Writes schema.graphql: the fixed part of the API and the types of a demo catalog; with --check, compares. */
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../src/engine/index.ts';
import { SchemaProvider } from '../src/schema/index.ts';
import { DEMO_TABLES } from './demo-tables.ts';

const directory = await mkdtemp(join(tmpdir(), 'tidemark-schema-'));
const engine = await openEngine({ directory });
for (const table of DEMO_TABLES) await engine.createTable(table);
const header = '# Written by npm run codegen: the fixed part of the API, and the types of the demo catalog (scripts/demo-tables.ts).\n\n';
const sdl = header + new SchemaProvider(engine).current().sdl();
await engine.close();
await rm(directory, { recursive: true, force: true });

const target = new URL('../schema.graphql', import.meta.url);
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== sdl) {
    process.stderr.write('schema.graphql is not fresh: run npm run codegen\n');
    process.exitCode = 1;
  }
} else writeFileSync(target, sdl);
