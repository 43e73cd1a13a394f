/**
 * LevelDB's own files, checked. LevelDB drops the records behind a damaged byte of its log without a word and then deletes
 * the log, so the log is checked before LevelDB sees it; and it does not check its tables when it reads them. Keeps
 * invariant 6. The manifest's format: db/version_edit.cc of google/leveldb.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ByteReader } from '../../encoding/bytes.ts';
import { scanLog, wholeRecords } from './log.ts';
import { scanTable } from './table.ts';

export interface Damage {
  /** Relative to the data directory. */
  readonly file: string;
  /** Byte position in the file. */
  readonly offset: number;
  readonly what: string;
}

/** A file's bytes; none where it has gone: LevelDB replaces its files while others look. */
function bytesOf(directory: string, name: string): Buffer | undefined {
  try {
    return readFileSync(join(directory, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function filesOf(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

const isLog = (name: string): boolean => name.endsWith('.log') || name.startsWith('MANIFEST-');

/** Bytes in LevelDB's write-ahead logs: what the next open will replay. */
export function logBytes(directory: string): number {
  let bytes = 0;
  for (const name of filesOf(directory)) if (name.endsWith('.log')) bytes += bytesOf(directory, name)?.length ?? 0;
  return bytes;
}

/** Damage in the logs and the manifest, which LevelDB would swallow. `torn` lists files whose end may be a crash's doing. */
export function damagedLogs(directory: string): { damages: Damage[]; torn: string[] } {
  const damages: Damage[] = [];
  const torn: string[] = [];
  for (const name of filesOf(directory).filter(isLog)) {
    const scan = scanLog(bytesOf(directory, name) ?? Buffer.alloc(0));
    if (scan.badAt === undefined) continue;
    if (scan.damaged)
      damages.push({ file: `catalog/${name}`, offset: scan.badAt, what: 'a record of the log is damaged and others follow it' });
    else torn.push(name);
  }
  return { damages, torn };
}

/** Tags of a version edit: what a record of the manifest says (db/version_edit.cc). */
const EDIT = {
  comparator: 1,
  logNumber: 2,
  nextFile: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLog: 9,
} as const;

/** What LevelDB counts as its own, by its manifest. */
interface Manifest {
  /** Tables with their sizes: what a crash leaves half-written is not among them. */
  readonly tables: Map<number, number>;
  /** The oldest log that is needed; later ones are too. */
  logNumber: number | undefined;
}

function manifestOf(directory: string): Manifest {
  const manifest: Manifest = { tables: new Map(), logNumber: undefined };
  const current = bytesOf(directory, 'CURRENT')?.toString('latin1').trim() ?? '';
  const bytes = /^MANIFEST-\d+$/.test(current) ? bytesOf(directory, current) : undefined;
  for (const { payload } of wholeRecords(bytes ?? Buffer.alloc(0)).records) applyEdit(new ByteReader(payload), manifest);
  return manifest;
}

export function liveTables(directory: string): Map<number, number> {
  return manifestOf(directory).tables;
}

/** A log that an open LevelDB writes to and that is not there: what is committed from now on would be lost. */
export function missingLog(directory: string): Damage | undefined {
  const { logNumber } = manifestOf(directory);
  if (logNumber === undefined || logNumber === 0) return undefined;
  const name = `${String(logNumber).padStart(6, '0')}.log`;
  return bytesOf(directory, name) === undefined ? { file: `catalog/${name}`, offset: 0, what: 'the log is missing' } : undefined;
}

function applyEdit(reader: ByteReader, manifest: Manifest): void {
  const { tables } = manifest;
  while (reader.remaining > 0) {
    switch (reader.varint()) {
      case EDIT.comparator:
        reader.blob();
        break;
      case EDIT.logNumber:
        manifest.logNumber = reader.varint();
        break;
      case EDIT.nextFile:
      case EDIT.lastSequence:
      case EDIT.previousLog:
        reader.varint();
        break;
      case EDIT.compactPointer:
        reader.varint();
        reader.blob();
        break;
      case EDIT.deletedFile:
        reader.varint();
        tables.delete(reader.varint());
        break;
      case EDIT.newFile: {
        reader.varint();
        tables.set(reader.varint(), reader.varint());
        reader.blob();
        reader.blob();
        break;
      }
      default:
        return;
    }
  }
}

/** A table's bytes under either of the names that LevelDB gives them. */
function tableBytes(directory: string, number: number): Buffer | undefined {
  const name = tableName(number);
  return bytesOf(directory, name) ?? bytesOf(directory, name.replace(/ldb$/, 'sst'));
}

function tableName(number: number): string {
  return `${String(number).padStart(6, '0')}.ldb`;
}

/** What is wrong with one live table, if anything. */
export function damageOfTable(directory: string, number: number): Damage | undefined {
  const file = `catalog/${tableName(number)}`;
  const sizeBytes = liveTables(directory).get(number);
  // LevelDB replaced it meanwhile.
  if (sizeBytes === undefined) return undefined;
  return damageOfBytes(file, tableBytes(directory, number), sizeBytes);
}

function damageOfBytes(file: string, bytes: Buffer | undefined, sizeBytes: number): Damage | undefined {
  if (bytes === undefined) return { file, offset: 0, what: 'the table is missing' };
  if (bytes.length !== sizeBytes)
    return { file, offset: Math.min(bytes.length, sizeBytes), what: `the table has ${bytes.length} bytes, ${sizeBytes} were written` };
  const damage = scanTable(bytes);
  return damage === undefined ? undefined : { file, ...damage };
}

/** Damage in LevelDB's live tables, the newest first, up to about `bytesMax`; `unchecked` lists the numbers of the rest. */
export function damagedTables(directory: string, bytesMax: number): { damages: Damage[]; unchecked: number[] } {
  const damages: Damage[] = [];
  const unchecked: number[] = [];
  let left = bytesMax;
  for (const [number, sizeBytes] of [...liveTables(directory)].sort(([one], [other]) => other - one)) {
    if (left <= 0) {
      unchecked.push(number);
      continue;
    }
    left -= sizeBytes;
    const damage = damageOfBytes(`catalog/${tableName(number)}`, tableBytes(directory, number), sizeBytes);
    if (damage !== undefined) damages.push(damage);
  }
  return { damages, unchecked };
}

/** Files that LevelDB cannot start without, and that are gone: a running one does not notice that they were removed. */
export function missingFiles(directory: string): Damage[] {
  const current = bytesOf(directory, 'CURRENT')?.toString('latin1').trim();
  if (current === undefined) return [{ file: 'catalog/CURRENT', offset: 0, what: 'the file is missing' }];
  const names = filesOf(directory);
  const missing: Damage[] = [];
  if (!names.includes(current)) missing.push({ file: `catalog/${current}`, offset: 0, what: 'the file is missing' });
  if (!names.some((name) => name.endsWith('.log'))) missing.push({ file: 'catalog', offset: 0, what: 'the log is missing' });
  return missing;
}

/** Every damaged file of a catalog folder, logs and tables, as LevelDB's own checksums tell. */
export function damagedFiles(directory: string): Damage[] {
  return [...damagedLogs(directory).damages, ...damagedTables(directory, Number.POSITIVE_INFINITY).damages];
}
