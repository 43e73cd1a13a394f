/** Requests over kept connections, with the times at which they were sent and acknowledged. */
import { Agent, request } from 'node:http';
import { nowMs } from './live.ts';
import { order } from './tables.ts';

/** Milliseconds since the epoch: the request was sent, the answer began to arrive. */
export interface Posted {
  readonly sentMs: number;
  readonly acknowledgedMs: number;
}

export type Post = (body: string) => Promise<Posted>;

/** Lends a function that posts JSON. It rejects where the answer is not 200 or carries errors. */
export async function withPosts<T>(url: string, work: (post: Post) => Promise<T>): Promise<T> {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const post: Post = (body) =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', accept: 'application/json', 'content-length': Buffer.byteLength(body) };
      const outgoing = request(url, { method: 'POST', agent, headers }, (response) => {
        const acknowledgedMs = nowMs();
        response.setEncoding('utf8');
        let text = '';
        response.on('data', (piece: string) => {
          text += piece;
        });
        response.on('end', () => {
          if (response.statusCode === 200 && !text.includes('"errors"')) resolve({ sentMs, acknowledgedMs });
          else reject(new Error(`${response.statusCode}: ${text.slice(0, 500)}`));
        });
      });
      outgoing.on('error', reject);
      const sentMs = nowMs();
      outgoing.end(body);
    });
  try {
    return await work(post);
  } finally {
    agent.destroy();
  }
}

const APPEND = 'mutation ($rows: [EventsRowInput!]!) { appendEvents(rows: $rows) { insertedRows } }';

/** Bodies of commits to the table `events`, each with the next orders of a running number. `change` makes each row its own. */
export function commits(rows: number, change: (row: Record<string, unknown>, id: number) => Record<string, unknown> = (row) => row) {
  let id = 0;
  return (): string => {
    const batch = Array.from({ length: rows }, () => {
      id += 1;
      return change(order(id), id);
    });
    return JSON.stringify({ query: APPEND, variables: { rows: batch } });
  };
}
