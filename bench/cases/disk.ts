/** Bytes on disk that a one-row commit takes, metadata and rows apart. */
import { join } from 'node:path';
import { openEngine } from '../../src/engine/index.ts';
import { type BenchOptions, bytesOf, type Figures, type Report, rounded, withDirectory } from '../support.ts';
import { EVENTS, ORDERS, order } from '../tables.ts';

const WRITERS = 64;
const TARGET_BYTES = 500;

async function measure(table: typeof ORDERS, commits: number): Promise<Figures & { readonly 'metadata B': number }> {
  return withDirectory(async (directory) => {
    const engine = await openEngine({ directory });
    await engine.createTable(table);
    let next = 0;
    const write = async (): Promise<void> => {
      while (next < commits) {
        next += 1;
        await engine.append(table.name, [order(next)], { author: 'bench' });
      }
    };
    await Promise.all(Array.from({ length: WRITERS }, write));
    await engine.close();
    const total = await bytesOf(directory);
    const catalog = await bytesOf(join(directory, 'catalog'));
    const reopened = await openEngine({ directory });
    const { metadataBytes, hotBytes } = await reopened.read.history.sizes();
    await reopened.close();
    // What is not rows is metadata: LevelDB's own files and indexes too.
    const hot = (hotBytes / (metadataBytes + hotBytes)) * catalog;
    return {
      'metadata B': rounded((catalog - hot) / commits),
      'rows B': rounded((hot + total - catalog) / commits),
      'total B': rounded(total / commits),
      'metadata by kind B': rounded(metadataBytes / commits),
      'rows by kind B': rounded(hotBytes / commits),
    };
  });
}

export async function disk({ quick, note }: BenchOptions): Promise<Report> {
  const commits = quick ? 2_000 : 10_000;
  note(`${commits} one-row commits, twice`);
  const plain = await measure(EVENTS, commits);
  const keyed = await measure(ORDERS, commits);
  const most = Math.max(plain['metadata B'], keyed['metadata B']);
  return {
    case: 'disk',
    ratio: rounded(most / TARGET_BYTES),
    baseline: `${TARGET_BYTES} bytes of metadata a commit (${commits} one-row commits, catalog closed)`,
    target: `at most 1: ${TARGET_BYTES} bytes of metadata a commit`,
    met: most <= TARGET_BYTES,
    figures: { 'a commit, no key': plain, 'a commit, primary key': keyed },
  };
}
