/** Bodies of requests, held to the limit; one that was read here is handed on to Yoga. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendErrors } from './answers.ts';

/**
 * Whether a request's body is within the limit; answers 413 where it is not. Node holds a body to its Content-Length, so
 * that header decides; only a body of unannounced length is read here, and handed on.
 */
export async function bodyFits(request: IncomingMessage, response: ServerResponse, maximum: number): Promise<boolean> {
  const announced = request.headers['content-length'];
  if (announced !== undefined) return Number(announced) <= maximum || refuse(response, Number(announced), maximum);
  return request.headers['transfer-encoding'] === undefined || (await readBody(request, response, maximum)) !== undefined;
}

/** Reads a body of which `bodyFits` approves. @returns undefined where it is too large; 413 was answered */
export async function readBody(request: IncomingMessage, response: ServerResponse, maximum: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maximum) {
      refuse(response, bytes, maximum);
      return undefined;
    }
    chunks.push(chunk);
  }
  // Yoga takes a body that was read already from here.
  const read = {
    chunks,
    async *[Symbol.asyncIterator]() {
      yield* chunks;
    },
  };
  Object.assign(request, { body: read });
  return Buffer.concat(chunks);
}

function refuse(response: ServerResponse, actual: number, maximum: number): false {
  response.setHeader('connection', 'close');
  const message = `bodyLimitBytes: the request body has ${actual} bytes or more, the maximum is ${maximum}; send less at once, or raise --body-limit`;
  sendErrors(response, 413, 'LIMIT_EXCEEDED', message, { limit: 'bodyLimitBytes', maximum, actual });
  return false;
}
