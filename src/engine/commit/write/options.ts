/** What a caller may say about a commit, checked. */
import { hash as digest } from 'node:crypto';
import { EngineError } from '../../model/errors.ts';
import { asSnapshotId, type SnapshotId } from '../../model/ids.ts';
import { exactJson } from '../../model/json.ts';
import { LIMITS, limitExceeded } from '../../model/limits.ts';

/** Information about a commit, and conditions for it. All are optional. */
export interface CommitOptions {
  /** Why the change is made; at most 10,000 characters. */
  readonly message?: string | null | undefined;
  /** Who makes the change; at most 256 characters. */
  readonly author?: string | null | undefined;
  /** A JSON object of your own, at most 16 KiB. */
  readonly properties?: unknown;
  /**
   * Makes a retry safe. The same key again returns the first commit (`replayed: true`) and changes nothing; the same key with other
   * content is IDEMPOTENCY_KEY_REUSED. Keys are kept for 24 hours, at most the newest million. At most 256 characters.
   */
  readonly idempotencyKey?: string | null | undefined;
  /** The newest snapshot of each changed table must be this one or an older one. Otherwise CONFLICT. */
  readonly expectedSnapshotId?: number | null | undefined;
  /** The number of rows that the commit must insert, update and delete together. Otherwise CONFLICT. */
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
