import { createClient } from 'graphql-ws';
import { useEffect, useRef, useSyncExternalStore } from 'react';
import { resumable, retryForever } from 'tidemark/client';

export type Status = 'connecting' | 'live' | 'offline';

let status: Status = 'connecting';
/** How often a connection was made. */
let connections = 0;
const listeners = new Set<() => void>();

function become(next: Status): void {
  status = next;
  for (const listener of listeners) listener();
}

function connected(): void {
  connections += 1;
  become('live');
}

const socket = createClient({
  url: `${location.origin.replace('http', 'ws')}/graphql`,
  ...retryForever,
  on: { connected: () => connected(), closed: () => become('offline') },
});

/** One WebSocket for all subscriptions. It never gives up, and every subscription goes on where it was. */
export const connection = resumable(socket);

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Whether what the page shows is what the server has. */
export function useStatus(): Status {
  return useSyncExternalStore(listen, () => status);
}

/** How often a connection was made: another number says that what failed before it is of the past. */
export function useConnections(): number {
  return useSyncExternalStore(listen, () => connections);
}

/** Does something that failed again, once there is a connection. */
export function useWhenLive(hasFailed: boolean, again: () => unknown): void {
  const isLive = useStatus() === 'live';
  const latest = useRef(again);
  latest.current = again;
  useEffect(() => {
    if (isLive && hasFailed) void latest.current();
  }, [isLive, hasFailed]);
}
