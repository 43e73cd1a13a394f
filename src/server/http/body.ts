/**
 * Bodies of requests: held to a limit by themselves and together, read once, and refused where they are no UTF-8. Numbers
 * that JSON.parse would round keep their digits.
 */
import { isUtf8 } from 'node:buffer';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type MemoryPool, overloaded } from '../../engine/index.ts';
import { sendErrors } from './answers.ts';

/** What is read and thrown away of a body that is too large, so that its client gets to read the answer. */
const DROPPED_BYTES_MAX = 256 * 1024 * 1024;
const DROPPED_MS_MAX = 10_000;
const RETRY_AFTER_S = '1';

/** A request whose body has been read. */
interface WithText {
  bodyText?: string;
}

/** The text of a body that was read. */
export function bodyTextOf(request: IncomingMessage): string | undefined {
  return (request as IncomingMessage & WithText).bodyText;
}

export interface BodyLimits {
  readonly maximum: number;
  /** What bodies under way may take together. */
  readonly pool: MemoryPool;
}

/** Reads a request's body. @returns whether the request goes on; where not, it was answered */
export async function readBody(request: IncomingMessage, response: ServerResponse, { maximum, pool }: BodyLimits): Promise<boolean> {
  const announced = Number(request.headers['content-length'] ?? 0);
  if (announced > maximum) return refuse(request, response, announced, maximum);
  const chunks: Buffer[] = [];
  let bytes = 0;
  response.once('close', () => pool.give(bytes));
  for await (const chunk of request as AsyncIterable<Buffer>) {
    if (bytes + chunk.length > maximum) return refuse(request, response, bytes + chunk.length, maximum);
    if (!pool.take(chunk.length)) {
      const { code, message, details } = overloaded(pool.bound);
      response.setHeader('retry-after', RETRY_AFTER_S).setHeader('connection', 'close');
      sendErrors(response, 503, code, message, details);
      return false;
    }
    bytes += chunk.length;
    chunks.push(chunk);
  }
  const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  if (!isUtf8(body)) {
    const place = firstNoUtf8(body);
    sendErrors(response, 400, 'BAD_USER_INPUT', `the body is not UTF-8: byte ${place} begins no character; send text as UTF-8`, { place });
    return false;
  }
  Object.assign(request, { bodyText: body.toString() } satisfies WithText);
  return true;
}

/** The place of the first byte that begins no character of UTF-8. */
function firstNoUtf8(body: Buffer): number {
  const text = body.toString();
  for (let at = text.indexOf('\uFFFD'), from = 0, place = 0; at >= 0; at = text.indexOf('\uFFFD', from)) {
    place += Buffer.byteLength(text.slice(from, at));
    // U+FFFD itself may have been sent.
    if (body.toString('latin1', place, place + 3) !== '\xef\xbf\xbd') return place;
    place += 3;
    from = at + 1;
  }
  return body.length;
}

/** Answers 413 once the body has been read and thrown away, up to a bound: a client that is still sending does not read. */
async function refuse(request: IncomingMessage, response: ServerResponse, actual: number, maximum: number): Promise<false> {
  if (actual <= DROPPED_BYTES_MAX) await dropped(request);
  response.setHeader('connection', 'close');
  const message = `bodyLimitBytes: the request body has ${actual} bytes or more, the maximum is ${maximum}; send less at once, or raise --body-limit`;
  sendErrors(response, 413, 'LIMIT_EXCEEDED', message, { limit: 'bodyLimitBytes', maximum, actual });
  return false;
}

function dropped(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    let bytes = 0;
    const timer = setTimeout(resolve, DROPPED_MS_MAX);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > DROPPED_BYTES_MAX) end();
    });
    request.once('end', end).once('close', end).once('error', end);
    request.resume();
  });
}
