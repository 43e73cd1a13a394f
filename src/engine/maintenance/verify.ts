/** verify: reads everything that is stored and compares it with its checksums: the catalog's files, its chain, every data file. */
import { join } from 'node:path';
import { checkFolder } from '../catalog/folder-check.ts';
import { PREFIX, prefixRange } from '../catalog/keys.ts';
import { type Damage, damagedFiles, missingFiles, missingLog } from '../catalog/leveldb/files.ts';
import { tablesOf } from '../catalog/state.ts';
import { verifyChain } from '../catalog/verify-chain.ts';
import { readHotCommits } from '../data/hot.ts';
import { EngineError } from '../model/errors.ts';
import type { SnapshotId } from '../model/ids.ts';
import { type AuditParts, type AuditReport, audit } from './audit.ts';

export interface Finding {
  /** Relative to the data directory. */
  readonly file: string;
  readonly what: string;
}

export interface VerifyReport {
  readonly commits: number;
  readonly dataFiles: number;
  /** Row versions whose leaves were recomputed. */
  readonly rows: number;
  /** The hash of the newest commit, hex; null before the first, and where something is wrong. */
  readonly hash: string | null;
  /** The first commit whose content is not what its hash says; null where all are. */
  readonly firstBadCommit: SnapshotId | null;
  readonly findings: readonly Finding[];
}

const RECORDS_PER_READ = 1000;

/** Reads the whole database once; findings name the damaged files. */
export async function verify(parts: AuditParts): Promise<VerifyReport> {
  const findings: Finding[] = [];
  const note = async (work: () => Promise<unknown>): Promise<void> => {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof EngineError) || error.code !== 'CORRUPT_DATA') throw error;
      findings.push({ file: String(error.details['file'] ?? 'catalog'), what: error.message });
    }
  };
  for (const damage of await settledDamages(join(parts.dataDirectory, 'catalog'))) findings.push({ file: damage.file, what: damage.what });
  const state = parts.current();
  await note(() => checkFolder(parts.dataDirectory, state));
  const pin = parts.pins.pin(state.logIndex);
  let dataFiles = 0;
  let audited: AuditReport = { rows: 0, firstBadCommit: null, findings: [] };
  try {
    await note(() => verifyChain(parts.store, state, state.snapshotId));
    for (const prefix of Object.values(PREFIX)) await note(() => readAll(parts, prefix));
    for (const table of tablesOf(state)) {
      for (const file of table.files) {
        dataFiles += 1;
        await note(() => parts.files.check(file));
      }
      await note(async () => {
        let after = table.hotFloor;
        let rows = 0;
        for (;;) {
          const commits = await readHotCommits(parts.store, table, { after, upTo: state.snapshotId, limit: RECORDS_PER_READ });
          for (const commit of commits) rows += commit.rows.length;
          if (commits.length < RECORDS_PER_READ) break;
          after = commits.at(-1)?.snapshotId ?? after;
        }
        const expected = table.last.hotRowsEver - table.flushedRowsEver;
        if (rows !== expected) {
          throw new EngineError('CORRUPT_DATA', `table ${table.name} has ${rows} hot rows, ${expected} were committed`, {
            details: { file: 'catalog' },
          });
        }
      });
    }
    // With damaged files or records the rows cannot be told.
    if (findings.length === 0) {
      await note(async () => {
        audited = await audit(parts);
        for (const what of audited.findings) findings.push({ file: 'catalog', what });
      });
    }
  } finally {
    pin.release();
  }
  const hash = state.snapshotId === 0 || findings.length > 0 ? null : parts.history.commit(state.snapshotId).hash.toString('hex');
  return {
    commits: state.snapshotId,
    dataFiles,
    rows: audited.rows,
    hash,
    firstBadCommit: audited.firstBadCommit,
    findings: unique(findings),
  };
}

const LOOKS = 5;
const LOOK_AGAIN_MS = 40;

/** Damage that is still there at the fifth look: LevelDB may be writing the file at the first. */
async function settledDamages(directory: string): Promise<Damage[]> {
  const look = (): Damage[] => {
    const log = missingLog(directory);
    return [...missingFiles(directory), ...damagedFiles(directory), ...(log === undefined ? [] : [log])];
  };
  let damages = look();
  for (let looks = 1; looks < LOOKS && damages.length > 0; looks += 1) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
    const again = new Set(look().map((damage) => damage.file));
    damages = damages.filter((damage) => again.has(damage.file));
  }
  return damages;
}

async function readAll(parts: AuditParts, prefix: number): Promise<void> {
  const { lt } = prefixRange(prefix);
  let gte: Buffer | undefined = Buffer.of(prefix);
  while (gte !== undefined) {
    const entries: [Buffer, Buffer][] = await parts.store.entries({ gte, lt }, RECORDS_PER_READ);
    const last = entries.at(-1)?.[0];
    gte = last === undefined || entries.length < RECORDS_PER_READ ? undefined : Buffer.concat([last, Buffer.of(0)]);
  }
}

function unique(findings: readonly Finding[]): Finding[] {
  const named = new Set(findings.filter((finding) => finding.file !== 'catalog').map((finding) => finding.file));
  const seen = new Set<string>();
  return findings.filter((finding) => {
    // A finding that only says "catalog" adds nothing once the file is known.
    if (finding.file === 'catalog' && [...named].some((file) => file.startsWith('catalog/'))) return false;
    const key = `${finding.file}\n${finding.what}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
