/** What a caller may say about a commit, checked. */
import { hash as digest } from 'node:crypto';
import { EngineError } from '../../model/errors.ts';
import { asSnapshotId, type SnapshotId } from '../../model/ids.ts';
import { exactJson } from '../../model/json.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';

export interface CommitOptions {
  readonly message?: string | null | undefined;
  readonly author?: string | null | undefined;
  /** A JSON object. */
  readonly properties?: unknown;
  /** The same key again returns the first commit and changes nothing; kept 24 hours. */
  readonly idempotencyKey?: string | null | undefined;
  /** The newest snapshot of the table must be this one or older, else CONFLICT. */
  readonly expectedSnapshotId?: number | null | undefined;
  /** How many rows the commit must insert, update and delete together, else CONFLICT. */
  readonly expectedRows?: number | null | undefined;
  /** Whose idempotency keys these are; one name space where absent. */
  readonly caller?: string | undefined;
}

export interface CheckedOptions {
  readonly message: string | null;
  readonly author: string | null;
  readonly properties: string | null;
  readonly idempotencyKey: Buffer | null;
  readonly expectedSnapshotId: SnapshotId | null;
  readonly expectedRows: number | null;
}

const NONE: CheckedOptions = {
  message: null,
  author: null,
  properties: null,
  idempotencyKey: null,
  expectedSnapshotId: null,
  expectedRows: null,
};

/** @throws EngineError BAD_USER_INPUT, LIMIT_EXCEEDED naming the option */
export function checkOptions(options: CommitOptions | null | undefined): CheckedOptions {
  if (options == null) return NONE;
  return {
    message: text(options.message, 'message', 'messageLengthMax'),
    author: text(options.author, 'author', 'authorLengthMax'),
    properties: properties(options.properties),
    idempotencyKey: idempotencyKey(options),
    expectedSnapshotId: expected(options.expectedSnapshotId),
    expectedRows: expectedRows(options.expectedRows),
  };
}

function text(
  value: string | null | undefined,
  name: string,
  limit: 'messageLengthMax' | 'authorLengthMax' | 'idempotencyKeyLengthMax',
): string | null {
  if (value == null) return null;
  if (value.length > LIMITS[limit]) throw limitExceeded(limit, LIMITS[limit], value.length, `Shorten options.${name}.`);
  if (!value.isWellFormed()) throw new EngineError('BAD_USER_INPUT', `options.${name} has a lone surrogate, half of a character`);
  return value;
}

function properties(value: unknown): string | null {
  if (value == null) return null;
  if (typeof value !== 'object' || Array.isArray(value)) throw new EngineError('BAD_USER_INPUT', 'options.properties is not a JSON object');
  let json: string;
  try {
    json = exactJson(value);
  } catch (error) {
    throw new EngineError('BAD_USER_INPUT', `options.properties is not JSON: ${(error as Error).message}`);
  }
  const bytes = Buffer.byteLength(json);
  if (bytes > LIMITS.propertiesBytesMax)
    throw limitExceeded('propertiesBytesMax', LIMITS.propertiesBytesMax, bytes, 'Keep large data in a table.');
  return json;
}

function idempotencyKey({ idempotencyKey: key, caller = '' }: CommitOptions): Buffer | null {
  const checked = text(key, 'idempotencyKey', 'idempotencyKeyLengthMax');
  if (checked === null) return null;
  if (checked === '') throw new EngineError('BAD_USER_INPUT', 'options.idempotencyKey is empty');
  return digest('sha256', Buffer.from(JSON.stringify([caller, checked])), 'buffer').subarray(0, 16);
}

function expected(value: number | null | undefined): SnapshotId | null {
  if (value == null) return null;
  if (!Number.isSafeInteger(value) || value < 0)
    throw new EngineError('BAD_USER_INPUT', `options.expectedSnapshotId ${value} is not a snapshot id`);
  return asSnapshotId(value);
}

function expectedRows(value: number | null | undefined): number | null {
  if (value == null) return null;
  if (!Number.isSafeInteger(value) || value < 0)
    throw new EngineError('BAD_USER_INPUT', `options.expectedRows ${value} is not a number of rows`);
  return value;
}
