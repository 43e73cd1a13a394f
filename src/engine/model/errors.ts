/**
 * The one error class of the engine. Codes are the API: programs react to `code` and `details`,
 * people read `message` (what is wrong and where) and `hint` (what to do).
 */

/** Codes a client can meet through GraphQL. docs/errors.md lists them; a test holds the two together. */
export const ERROR_CODES = [
  'BAD_USER_INPUT',
  'INVALID_ROW',
  'INVALID_NAME',
  'NAME_COLLISION',
  'TABLE_NOT_FOUND',
  'TABLE_EXISTS',
  'TABLE_NOT_FOUND_AS_OF',
  'SCHEMA_MISMATCH',
  'COLUMN_NOT_FOUND',
  'SNAPSHOT_NOT_FOUND',
  'SNAPSHOT_EXPIRED',
  'TAG_NOT_FOUND',
  'TAG_EXISTS',
  'FUTURE_TIMESTAMP',
  'CONFLICT',
  'IDEMPOTENCY_KEY_REUSED',
  'CURSOR_INVALID',
  'LIMIT_EXCEEDED',
  'QUERY_TIMEOUT',
  'OVERLOADED',
  'STORAGE_FULL',
  'READ_ONLY',
  'CORRUPT_DATA',
  'SHUTTING_DOWN',
  // Raised by openEngine only, before anything is served.
  'DIRECTORY_IN_USE',
  'FORMAT_UNSUPPORTED',
  'CLOCK_NOT_ACCEPTED',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** Data a program needs to react to an error; JSON-able. */
export type ErrorDetails = Readonly<Record<string, unknown>>;

export interface EngineErrorOptions {
  readonly details?: ErrorDetails;
  /** What the reader can do about it, one sentence. */
  readonly hint?: string;
  readonly cause?: unknown;
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['OVERLOADED', 'SHUTTING_DOWN']);

/** The only error that the engine raises on purpose. Programs react to `code` and `details`; messages are for people. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: EngineErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.details = options.details ?? {};
    this.hint = options.hint;
  }

  /** Whether the same call may succeed if it is simply made again later. */
  get retryable(): boolean {
    return RETRYABLE.has(this.code);
  }
}

/** An error as data: what apply refuses an entry with, so that it can be an outcome in the log. */
export interface ErrorData {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails;
  readonly hint?: string;
}

export function refusalOf({ code, message, details, hint }: EngineError): ErrorData {
  return { code, message, details, ...(hint === undefined ? {} : { hint }) };
}

export function refusalError({ code, message, details, hint }: ErrorData): EngineError {
  return new EngineError(code, message, { details, ...(hint === undefined ? {} : { hint }) });
}

/** Something is false that only a defect of Tidemark's can make false. Where writing meets one, it stops (commit/sequence). */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
  constructor(what: string) {
    super(`invariant broken: ${what}`);
  }
}

/** Asserts what only a defect could make false. @throws InvariantError */
export function invariant(condition: unknown, what: string): asserts condition {
  if (!condition) throw new InvariantError(what);
}

/** For the `default` of an exhaustive switch. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`);
}
