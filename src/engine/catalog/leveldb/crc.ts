/** How LevelDB writes checksums: masked, so that the checksum of data that contains checksums stays useful. */
import { crc32c } from '../../encoding/crc32c.ts';

const MASK_DELTA = 0xa282ead8;

export function maskedCrc(bytes: Buffer, start: number, end: number): number {
  const crc = crc32c(bytes, 0, start, end);
  return (((crc >>> 15) | (crc << 17)) + MASK_DELTA) >>> 0;
}
