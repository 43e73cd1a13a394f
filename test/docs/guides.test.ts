/**
 * Runs the guides: every GraphQL document of docs/guides, in order, against a fresh server for each guide. A json block
 * right after a document is its variables; one marked `<!-- answer -->` is what it answers, in part; a document marked
 * `<!-- error: CODE -->` fails with that code, and its answer is the error.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { dataOf, type Loose, liveClient, type TestServer, testServer } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const GUIDES = join(ROOT, 'docs', 'guides');

interface Step {
  /** Where the document starts, to find it. */
  readonly line: number;
  readonly document: string;
  readonly errorCode: string | undefined;
  variables?: Loose;
  answer?: Loose;
}

interface Block {
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** The comment right before it, as in `<!-- answer -->`. */
  readonly mark: string | undefined;
  /** Whether nothing but blank lines stands between it and the block before. */
  readonly follows: boolean;
}

/** The fenced blocks of a page, with what marks them. */
function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let open: { readonly line: number; readonly language: string; readonly text: string[] } | undefined;
  let mark: string | undefined;
  let follows = false;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(\w*)$/.exec(line);
    if (open !== undefined) {
      if (fence === null) open.text.push(line);
      else {
        blocks.push({ line: open.line, language: open.language, text: open.text.join('\n'), mark, follows });
        [open, mark, follows] = [undefined, undefined, true];
      }
    } else if (fence !== null) open = { line: index + 1, language: fence[1] as string, text: [] };
    else if (line.trim() !== '') {
      if (mark !== undefined) throw new Error(`line ${index + 1}: the mark "${mark}" before it belongs to no block`);
      mark = /^<!-- (.*) -->$/.exec(line)?.[1];
      if (mark === undefined) follows = false;
    }
  }
  if (open !== undefined) throw new Error(`line ${open.line}: the block has no end`);
  return blocks;
}

function stepsOf(markdown: string): Step[] {
  const steps: Step[] = [];
  for (const { line, language, text, mark, follows } of blocksOf(markdown)) {
    const last = steps.at(-1);
    if (language === 'graphql') {
      const errorCode = /^error: ([A-Z_]+)$/.exec(mark ?? '')?.[1];
      if (mark !== undefined && errorCode === undefined) throw new Error(`line ${line}: no document is marked "${mark}"`);
      steps.push({ line, document: text, errorCode });
    } else if (language === 'json') {
      const value = JSON.parse(text) as Loose;
      if (last === undefined) throw new Error(`line ${line}: no document stands before this JSON`);
      if (mark === 'answer' && last.answer === undefined) last.answer = value;
      else if (mark === undefined && follows && last.variables === undefined && last.answer === undefined) last.variables = value;
      else throw new Error(`line ${line}: neither the variables nor the answer of the document in line ${last.line}`);
    } else if (mark !== undefined) throw new Error(`line ${line}: a block of ${language} cannot be marked "${mark}"`);
  }
  return steps;
}

async function firstEvent(server: TestServer, document: string, variables: Loose | undefined): Promise<unknown> {
  const events = liveClient(server.url).iterate({ query: document, variables: variables ?? {} });
  const data = dataOf(await events.next());
  await events.return?.();
  return data;
}

/** Cursors name the database that gave them: those that a guide shows stand for the ones that are given here. */
function withCursors(step: Step, given: ReadonlyMap<string, string>): Step {
  let text = JSON.stringify(step);
  for (const [shown, cursor] of given) text = text.replaceAll(JSON.stringify(shown), JSON.stringify(cursor));
  return JSON.parse(text) as Step;
}

function cursorOf(value: unknown): string | undefined {
  return /"endCursor":"([^"]+)"/.exec(JSON.stringify(value) ?? '')?.[1];
}

async function run(server: TestServer, step: Step, cursors: Map<string, string>): Promise<void> {
  const { document, variables, errorCode, answer } = withCursors(step, cursors);
  if (errorCode === undefined) {
    const data = document.trimStart().startsWith('subscription')
      ? await firstEvent(server, document, variables)
      : await server.data(document, variables);
    const [shown, given] = [cursorOf(answer), cursorOf(data)];
    if (shown !== undefined && given !== undefined) cursors.set(shown, given);
    if (answer !== undefined) expect(data).toMatchObject(withCursors({ ...step, answer }, cursors).answer ?? {});
    return;
  }
  const error = await server.failure(document, variables);
  expect(error.extensions.code, error.message).toBe(errorCode);
  if (answer !== undefined) expect(error).toMatchObject(answer);
}

/** The anchor of a heading, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');

const NAMES = readdirSync(GUIDES).filter((name) => name.endsWith('.md'));

describe('the documents of docs/guides run as they are, and answer what the guides say', () => {
  it.each(NAMES)('%s', async (name) => {
    const steps = stepsOf(readFileSync(join(GUIDES, name), 'utf8'));
    expect(steps.length, 'documents of the guide').toBeGreaterThan(0);
    const server = await testServer();
    const cursors = new Map<string, string>();
    for (const step of steps) {
      try {
        await run(server, step, cursors);
      } catch (error) {
        if (error instanceof Error) error.message = `docs/guides/${name}:${step.line}: ${error.message}`;
        throw error;
      }
    }
  });
});

describe('the programs of docs/guides are right by their types', () => {
  const programs = (name: string): readonly Block[] =>
    blocksOf(readFileSync(join(GUIDES, name), 'utf8')).filter(({ language }) => ['ts', 'tsx'].includes(language));

  it.each(NAMES.filter((name) => programs(name).length > 0))('%s', async (name) => {
    const directory = await temporaryDirectory();
    await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
    for (const { line, language, text } of programs(name)) await writeFile(join(directory, `line-${line}.${language}`), text);
    const config = { extends: join(ROOT, 'examples', 'tsconfig.json'), include: ['.'] };
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify(config));
    const { stdout } = spawnSync(join(ROOT, 'node_modules', '.bin', 'tsc'), ['-p', directory, '--noEmit'], { encoding: 'utf8' });
    expect(stdout).toBe('');
  });
});

describe('links of docs/guides lead somewhere', () => {
  it.each(NAMES)('%s', (name) => {
    for (const [, page = '', anchor] of readFileSync(join(GUIDES, name), 'utf8').matchAll(/\]\(([^)#:]*)(?:#([^)]*))?\)/g)) {
      const target = readFileSync(join(GUIDES, page === '' ? name : page), 'utf8');
      const anchors = [...target.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading as string));
      if (anchor !== undefined) expect(anchors, `${page}#${anchor}`).toContain(anchor);
    }
  });
});
