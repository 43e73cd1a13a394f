/**
 * LevelDB's table format, read only to check the checksums of its blocks: LevelDB itself does not, when it reads.
 * Format: doc/table_format.md of google/leveldb.
 */
import { uncompress } from 'snappyjs';
import { ByteReader } from '../../encoding/bytes.ts';
import { maskedCrc } from './crc.ts';

const FOOTER_BYTES = 48;
const TRAILER_BYTES = 5;
const TABLE_MAGIC = Buffer.from('57fb808b247547db', 'hex');

/** The first damaged block of a LevelDB table file, or undefined. */
export function scanTable(bytes: Buffer): { offset: number; what: string } | undefined {
  if (bytes.length < FOOTER_BYTES) return { offset: 0, what: 'the table is too short to be one' };
  const footer = bytes.subarray(bytes.length - FOOTER_BYTES);
  if (!footer.subarray(40).equals(TABLE_MAGIC)) return { offset: bytes.length - 8, what: 'the magic number of the table is wrong' };
  try {
    const reader = new ByteReader(footer);
    // The metaindex names the filter blocks, the index the data blocks.
    for (const index of [readHandle(reader), readHandle(reader)]) {
      const damagedIndex = checkBlock(bytes, index);
      if (damagedIndex !== undefined) return damagedIndex;
      for (const handle of blockHandles(blockContents(bytes, index))) {
        const damaged = checkBlock(bytes, handle);
        if (damaged !== undefined) return damaged;
      }
    }
    return undefined;
  } catch (error) {
    return { offset: bytes.length - FOOTER_BYTES, what: `the table cannot be read: ${(error as Error).message}` };
  }
}

interface Handle {
  readonly offset: number;
  readonly size: number;
}

function readHandle(reader: ByteReader): Handle {
  return { offset: reader.varint(), size: reader.varint() };
}

function checkBlock(bytes: Buffer, { offset, size }: Handle): { offset: number; what: string } | undefined {
  const end = offset + size;
  if (end + TRAILER_BYTES > bytes.length) return { offset: bytes.length, what: 'a block lies outside the table' };
  if (maskedCrc(bytes, offset, end + 1) === bytes.readUInt32LE(end + 1)) return undefined;
  return { offset, what: 'the checksum of a block does not match' };
}

function blockContents(bytes: Buffer, { offset, size }: Handle): Buffer {
  const contents = bytes.subarray(offset, offset + size);
  return bytes[offset + size] === 1 ? Buffer.from(uncompress(contents)) : contents;
}

function blockHandles(block: Buffer): Handle[] {
  const restarts = block.readUInt32LE(block.length - 4);
  const end = block.length - 4 - 4 * restarts;
  const reader = new ByteReader(block.subarray(0, end));
  const handles: Handle[] = [];
  while (reader.remaining > 0) {
    reader.varint();
    const keyBytes = reader.varint();
    const valueBytes = reader.varint();
    reader.raw(keyBytes);
    handles.push(readHandle(new ByteReader(reader.raw(valueBytes))));
  }
  return handles;
}
