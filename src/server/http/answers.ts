/** Small answers of the HTTP routes. */
import type { ServerResponse } from 'node:http';

export function send(response: ServerResponse, status: number, type: string, text: string): void {
  response
    .writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text), 'x-content-type-options': 'nosniff' })
    .end(text);
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, 'application/json; charset=utf-8', `${JSON.stringify(value)}\n`);
}

export function sendErrors(response: ServerResponse, status: number, code: string, message: string, details: object = {}): void {
  sendJson(response, status, { errors: [{ message, extensions: { code, details } }] });
}
