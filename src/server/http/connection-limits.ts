/** How many connections a process can take and still open the files that it needs. */
import { readFileSync } from 'node:fs';

/** Descriptors that are left for LevelDB, data files and the rest. */
const KEPT_DESCRIPTORS = 128;
const CONNECTIONS_MAX = 25_000;

/** Descriptors that the process may have open; undefined where the system does not say. */
function descriptorsMax(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}

/** TCP connections at once, WebSockets and event streams included; past it the next is closed at once. */
export function connectionsMaxOf({ connectionsMax }: { readonly connectionsMax: number | undefined }): number {
  if (connectionsMax !== undefined) return connectionsMax;
  const descriptors = descriptorsMax();
  if (descriptors === undefined) return CONNECTIONS_MAX;
  // Of few descriptors connections get half.
  return Math.max(1, Math.min(CONNECTIONS_MAX, Math.max(descriptors - KEPT_DESCRIPTORS, 0), Math.floor(descriptors / 2)) || 16);
}
