/** Failures that another attempt would meet again: they are the application's to know. */

/** Close codes of graphql-transport-ws that say that something about the client is wrong. */
const REFUSING_CODES: ReadonlySet<number> = new Set([4400, 4401, 4403, 4406, 4409, 4429]);
/** Statuses of HTTP that say to come again, among those that say that the client is wrong. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** Apollo's link tells a close code in its message only. */
const CLOSED = /^Socket closed with event (\d{4})/;

/** Whether the server refused, over any transport: HTTP 4xx, or a close code of the protocol. */
export function isRefusal(error: unknown): boolean {
  if (error === null || typeof error !== 'object') return false;
  const { code, statusCode, response, message } = error as {
    readonly code?: unknown;
    readonly statusCode?: unknown;
    readonly response?: { readonly status?: unknown } | null;
    readonly message?: unknown;
  };
  const closeCode = typeof code === 'number' ? code : Number(CLOSED.exec(String(message))?.[1]);
  const status = Number(statusCode ?? response?.status);
  return REFUSING_CODES.has(closeCode) || (status >= 400 && status < 500 && !PASSING_STATUSES.has(status));
}
