/**
 * WebSocket frames (RFC 6455, section 5.2) of whole text messages, from server to client: final, not masked, without
 * extensions. Source: the RFC.
 */

const FINAL_TEXT = 0x81;
/** The length stands in the first byte up to here; then in two bytes, then in eight. */
const SHORT_MAX = 125;
const IN_TWO_BYTES = 126;
const TWO_BYTES_MAX = 0xffff;
const IN_EIGHT_BYTES = 127;

/** One frame whose text is `head`, then `middle` as it is, then `tail`. */
export function textFrame(head: string, middle: Buffer, tail: string): Buffer {
  const headBytes = Buffer.byteLength(head);
  const length = headBytes + middle.length + Buffer.byteLength(tail);
  const start = length <= SHORT_MAX ? 2 : length <= TWO_BYTES_MAX ? 4 : 10;
  const frame = Buffer.allocUnsafe(start + length);
  frame[0] = FINAL_TEXT;
  if (length <= SHORT_MAX) frame[1] = length;
  else if (length <= TWO_BYTES_MAX) {
    frame[1] = IN_TWO_BYTES;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = IN_EIGHT_BYTES;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(head, start);
  middle.copy(frame, start + headBytes);
  frame.write(tail, start + headBytes + middle.length);
  return frame;
}
