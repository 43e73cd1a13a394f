import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { Level } from 'level';
import { describe, expect, it } from 'vitest';
import { scanLog } from '../../src/engine/catalog/leveldb/log.ts';
import { scanTable } from '../../src/engine/catalog/leveldb/table.ts';
import { crc32c } from '../../src/engine/encoding/crc32c.ts';
import { namesIn } from '../support/damage.ts';
import { randomNumbers, scaled, seedOf } from '../support/random.ts';
import { temporaryDirectory } from '../support/support.ts';

const BLOCK_BYTES = 32 * 1024;
const HEADER_BYTES = 7;

/** Records of a real LevelDB: [its log, one of its tables]. `sizes`: bytes of the values, one batch each. */
async function levelFiles(sizes: readonly number[]): Promise<{ log: Buffer; table: Buffer }> {
  const directory = await temporaryDirectory();
  const random = randomNumbers(7);
  const db = new Level<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer' });
  await db.open();
  for (const [index, size] of sizes.entries()) {
    const key = Buffer.from(`key-${String(index).padStart(6, '0')}`);
    await db.batch([{ type: 'put', key, value: Buffer.from(Array.from({ length: size }, () => random(256))) }], { sync: true });
  }
  const read = (pattern: RegExp): Buffer => {
    const [name] = namesIn(directory, pattern).slice(-1);
    if (name === undefined) throw new Error(`LevelDB wrote no ${pattern}`);
    return readFileSync(join(directory, name));
  };
  const log = read(/\.log$/);
  const tools = db as unknown as { compactRange(start: Buffer, end: Buffer): Promise<void> };
  await tools.compactRange(Buffer.of(0), Buffer.of(0xff));
  const table = read(/\.ldb$/);
  await db.close();
  return { log, table };
}

interface LogRecord {
  readonly start: number;
  readonly end: number;
  /** 1 full, 2 first, 3 middle, 4 last. */
  readonly type: number;
}

function recordsOf(log: Buffer): LogRecord[] {
  const records: LogRecord[] = [];
  for (let at = 0; at < log.length; ) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES);
    if (left < HEADER_BYTES) {
      at += left;
      continue;
    }
    const end = at + HEADER_BYTES + log.readUInt16LE(at + 4);
    records.push({ start: at, end, type: log[at + 6] as number });
    at = end;
  }
  return records;
}

function flipped(bytes: Buffer, at: number, mask: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ mask;
  return copy;
}

describe('crc32c is the checksum of RFC 3720', () => {
  it.each([
    ['32 bytes of zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['32 ascending bytes', Buffer.from(Array.from({ length: 32 }, (_, index) => index)), 0x46dd794e],
    ['32 descending bytes', Buffer.from(Array.from({ length: 32 }, (_, index) => 31 - index)), 0x113fdb5c],
    [
      'an iSCSI read command',
      Buffer.from('01c000000000000000000000000000001400000000000400000000140000001828000000000000000200000000000000', 'hex'),
      0xd9963a56,
    ],
    ['the digits 1 to 9', Buffer.from('123456789'), 0xe3069283],
    ['nothing', Buffer.alloc(0), 0],
  ])('of %s', (_, bytes, expected) => {
    expect(crc32c(bytes)).toBe(expected);
  });

  it('goes on from a part: in pieces as in one', () => {
    const seed = seedOf('crc32c in pieces');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(300), fc.nat(300), (bytes, left, right) => {
        const [first, second] = [Math.min(left, right, bytes.length), Math.min(Math.max(left, right), bytes.length)];
        const pieces = crc32c(bytes, crc32c(bytes.subarray(first, second), crc32c(bytes, 0, 0, first)), second);
        return pieces === crc32c(bytes);
      }),
      { seed, numRuns: scaled(125) },
    );
  });
});

describe('scanLog checks a file in the format of LevelDB logs', () => {
  it('accepts what LevelDB wrote, in one block and over several', async () => {
    for (const sizes of [[], [10], [1, 100, 0, 5000], [40_000, 10, 100_000, 3], Array.from({ length: 300 }, (_, index) => index)]) {
      const { log } = sizes.length === 0 ? { log: Buffer.alloc(0) } : await levelFiles(sizes);
      expect(scanLog(log)).toEqual({ badAt: undefined, damaged: false });
    }
  });

  it('finds every flipped byte, and tells damage inside from a torn end', async () => {
    const { log } = await levelFiles([300, 10, 33_000, 50, 70_000, 20, 500]);
    const seed = seedOf('flips in a log');
    const records = recordsOf(log);
    const last = records.at(-1) as LogRecord;
    fc.assert(
      fc.property(fc.nat(log.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const record = records.find(({ start, end }) => start <= at && at < end);
        // Bytes that fill a block are read by nobody.
        if (record === undefined) return;
        const scan = scanLog(flipped(log, at, mask));
        expect(scan.badAt).toBe(record.start);
        expect(scan.damaged).toBe(record.start < last.start);
      }),
      { seed, numRuns: scaled(100) },
    );
  });

  it('takes a log that is cut anywhere for a torn end, never for damage', async () => {
    const { log } = await levelFiles([300, 10, 33_000, 50, 70_000, 20, 500]);
    const ends = new Set([0, ...recordsOf(log).map(({ end }) => end)]);
    const seed = seedOf('cuts of a log');
    fc.assert(
      fc.property(fc.nat(log.length), (size) => {
        const scan = scanLog(log.subarray(0, size));
        expect(scan.damaged).toBe(false);
        if (ends.has(size)) expect(scan.badAt).toBeUndefined();
      }),
      { seed, numRuns: scaled(100) },
    );
  });

  it('takes a torn end whose blocks reached the disk out of order for torn: one batch, its first block missing', async () => {
    const { log } = await levelFiles([300, 10, 100_000]);
    const records = recordsOf(log);
    const first = records.findLast(({ type }) => type === 2) as LogRecord;
    const torn = Buffer.from(log);
    torn.fill(0, first.start, first.end);
    // What follows are the middle and the end of the same, never acknowledged, batch.
    expect(records.filter(({ start }) => start > first.start).every(({ type }) => type > 2)).toBe(true);
    expect(scanLog(torn)).toEqual({ badAt: first.start, damaged: false });
  });

  it('takes an end of zeros, as a power cut leaves it, for a torn end', async () => {
    const { log } = await levelFiles([300, 10, 500]);
    expect(scanLog(Buffer.concat([log, Buffer.alloc(100_000)]))).toEqual({ badAt: log.length, damaged: false });
  });
});

describe('scanTable checks a LevelDB table', () => {
  it('accepts what LevelDB wrote', async () => {
    expect(scanTable((await levelFiles([10])).table)).toBeUndefined();
    expect(scanTable((await levelFiles(Array.from({ length: 400 }, (_, index) => index))).table)).toBeUndefined();
  });

  it('finds a flip of any byte that LevelDB reads', async () => {
    const { table } = await levelFiles(Array.from({ length: 60 }, (_, index) => 3 * index));
    // The two handles of the footer end where the padding starts; the padding is read by nobody.
    const footer = table.length - 48;
    let padding = footer;
    for (let varints = 0; varints < 4; padding += 1) if ((table[padding] as number) < 0x80) varints += 1;
    const missed: number[] = [];
    for (let at = 0; at < table.length; at += 1) {
      if (at >= padding && at < table.length - 8) continue;
      if (scanTable(flipped(table, at, 0x10)) === undefined) missed.push(at);
    }
    expect(missed.length === 0 ? 'none missed' : `${missed.length} missed, from ${missed[0]} to ${missed.at(-1)} of ${table.length}`).toBe(
      'none missed',
    );
  });

  it('finds a table that is cut, empty or none', async () => {
    const { table } = await levelFiles([10, 20, 5000]);
    for (const size of [0, 1, 47, 48, table.length >> 1, table.length - 1]) expect(scanTable(table.subarray(0, size))).toBeDefined();
    expect(scanTable(Buffer.alloc(1000))).toBeDefined();
  });
});
