/**
 * Whether the next start would find everything that was acknowledged. A process that has its files open does not notice that
 * they were removed or replaced: it reads and writes files that no name leads to any more. So the catalog's folder is
 * checked as a start would see it, in a copy.
 */
import { relative } from 'node:path';
import { EngineError } from '../model/errors.ts';
import { copyCatalog, removeCopy } from './catalog-copy.ts';
import { HEAD_KEY } from './keys.ts';
import { decodeHead, type Head } from './records.ts';
import { CatalogStore, corruptCatalog } from './store.ts';
import { verifyChain } from './verify-chain.ts';

/** LevelDB may be moving its files at a look. */
const LOOKS = 5;
const LOOK_AGAIN_MS = 40;

/** `acknowledged`: a head that is durable. @throws EngineError CORRUPT_DATA {file} where a start would not reach it */
export async function checkFolder(dataDirectory: string, acknowledged: Head): Promise<void> {
  for (let look = 1; ; look += 1) {
    try {
      await checkOnce(dataDirectory, acknowledged);
      return;
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'CORRUPT_DATA' || look === LOOKS) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
}

async function checkOnce(dataDirectory: string, acknowledged: Head): Promise<void> {
  let copy: string;
  try {
    copy = copyCatalog(dataDirectory);
  } catch (error) {
    throw unreachable(dataDirectory, error);
  }
  try {
    const store = await CatalogStore.open(copy).catch((error: unknown) => {
      throw corruptCatalog('catalog', 'a start could not open it as it lies on the disk now', error);
    });
    try {
      await checkCopy(store, acknowledged);
    } finally {
      await store.close(false);
    }
  } finally {
    removeCopy(copy);
  }
}

async function checkCopy(store: CatalogStore, acknowledged: Head): Promise<void> {
  const bytes = store.get(HEAD_KEY);
  const head = bytes === undefined ? undefined : decodeHead(bytes);
  if (acknowledged.logIndex > (head?.logIndex ?? 0)) {
    const what = `a start would end at commit ${head?.snapshotId ?? 0}, but commit ${acknowledged.snapshotId} was acknowledged: files of the catalog were removed or replaced while it was open`;
    throw corruptCatalog('catalog', what);
  }
  if (head === undefined) return;
  try {
    await verifyChain(store, head, head.snapshotId);
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'CORRUPT_DATA') throw error;
    throw corruptCatalog('catalog', `a start would not find all commits: ${error.message.replace(/^catalog: /, '')}`, error);
  }
}

/** A file that LevelDB needs and that cannot be read. */
function unreachable(dataDirectory: string, error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException;
  if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EIO' && code !== 'EISDIR') return error;
  const file = path === undefined ? 'catalog' : relative(dataDirectory, path);
  return corruptCatalog(file, code === 'ENOENT' ? 'it is missing' : `it cannot be read (${code})`, error);
}
