/** CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum on every catalog value and in LevelDB's own files. */
import { crc32c as native } from '@node-rs/crc32';

/** The checksum of bytes[start, end), going on from `seed`, the checksum of what came before. An unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array, seed = 0, start = 0, end = bytes.length): number {
  return native(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), seed);
}
