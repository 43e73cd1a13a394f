/**
 * WebSocket frames of whole text messages, from server to client: final, not masked, without extensions. Source: RFC 6455,
 * section 5.2.
 */

const FINAL_TEXT = 0x81;
/** The length stands in the first byte up to here; then in two bytes, then in eight. */
const SHORT_MAX = 125;
const IN_TWO_BYTES = 126;
const TWO_BYTES_MAX = 0xffff;
const IN_EIGHT_BYTES = 127;

/**
 * The beginning of a frame whose text is `head` and then `rest`; the caller writes `rest` after it. With `room`, there is
 * place for the rest in the buffer itself, from `restAt` on.
 */
export function beginFrame(head: string, rest: Buffer, withRoom: boolean): { readonly bytes: Buffer; readonly restAt: number } {
  const headBytes = Buffer.byteLength(head);
  const length = headBytes + rest.length;
  const start = length <= SHORT_MAX ? 2 : length <= TWO_BYTES_MAX ? 4 : 10;
  const bytes = Buffer.allocUnsafe(start + (withRoom ? length : headBytes));
  bytes[0] = FINAL_TEXT;
  if (length <= SHORT_MAX) bytes[1] = length;
  else if (length <= TWO_BYTES_MAX) {
    bytes[1] = IN_TWO_BYTES;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = IN_EIGHT_BYTES;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
  bytes.write(head, start);
  return { bytes, restAt: start + headBytes };
}
