/** The port: what a connection may take, and how a stop ends the connections. */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

/** What a connection may take to say what it wants: one that says nothing takes a descriptor from those that do. */
export const CONNECTION_TIMES = { headersTimeout: 20_000, requestTimeout: 120_000, connectionsCheckingInterval: 5_000 };
/** How long a stop waits for requests under way. */
const DRAIN_MS = 10_000;

export function listen(http: Server, { host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen({ host, port }, () => {
      http.off('error', reject);
      resolve();
    });
  });
}

/** Connections, so that a stop need not wait for those that were opened ahead of a request that never came. */
export function connectionsOf(http: Server): ReadonlySet<Socket> {
  const connections = new Set<Socket>();
  http.on('connection', (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
  });
  return connections;
}

/** Takes no more connections and waits for the requests under way. */
export async function drain(http: Server, connections: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => http.close(() => resolve()));
  http.closeIdleConnections();
  for (const socket of connections) if (socket.bytesRead === 0) socket.destroy();
  const timer = setTimeout(() => http.closeAllConnections(), DRAIN_MS);
  await closed;
  clearTimeout(timer);
}
