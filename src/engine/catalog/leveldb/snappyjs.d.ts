declare module 'snappyjs' {
  /** Decompresses one Snappy block. Throws where the bytes are none. */
  export function uncompress(compressed: Uint8Array): Uint8Array;
}
