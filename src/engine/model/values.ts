/**
 * Cells in and out: `parseCell` takes a value as a client sends it and refuses whatever does not fit exactly;
 * `toWire` writes a cell as JSON. No rounding, no silent coercion.
 */
import { unreachable } from './errors.ts';
import { doubleOf, InexactNumber } from './exact-numbers.ts';
import { exactJson } from './json.ts';
import {
  formatDate,
  formatTime,
  formatTimestamp,
  formatTimestampTz,
  MAX_TIME_MS,
  MIN_TIME_MS,
  parseDate,
  parseTime,
  parseTimestamp,
  parseTimestampTz,
} from './time-text.ts';
import type { Cell, ColumnType } from './types.ts';

/** Why a value was not taken; the reason completes "column x: ...". */
export class Refusal {
  readonly reason: string;
  constructor(reason: string) {
    this.reason = reason;
  }
}

type Parsed = Exclude<Cell, null> | Refusal;
/** What decides how a value is read: a column, or anything with the same type facts. */
export interface ValueType {
  readonly type: ColumnType;
  readonly precision: number | null;
  readonly scale: number | null;
}

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;
const INTEGER = /^-?\d{1,40}$/;
const DECIMAL = /^-?(\d{1,40})(?:\.(\d{1,40}))?$/;
const UUID = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** How a refused value is quoted in a message: its JSON, shortened. */
export function show(value: unknown): string {
  if (typeof value === 'bigint' || value instanceof InexactNumber) return shortened(String(value));
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    text = typeof value;
  }
  return shortened(text);
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
const BOOLEAN = /^(?:true|false)$/;

/** What to do about a string in the place of a value that needs no quotes. */
function unquoted(value: unknown, form: RegExp): string {
  return typeof value === 'string' && form.test(value) ? ': leave the quotes out' : '';
}

/** What to do about a number or a truth value in the place of a string. */
function quoted(value: unknown): string {
  return ['number', 'bigint', 'boolean'].includes(typeof value) ? ': put quotes around it' : '';
}

/**
 * Reads a non-null value into a cell of the type, or says why not.
 * Accepts the wire forms of docs/types.md; bigint is accepted wherever an integer is.
 */
export function parseCell(column: ValueType, value: unknown): Parsed {
  switch (column.type) {
    case 'BOOLEAN':
      return typeof value === 'boolean' ? value : new Refusal(`${show(value)} is not true or false${unquoted(value, BOOLEAN)}`);
    case 'INT':
      return parseInt32(value);
    case 'LONG':
      return parseLong(value);
    case 'FLOAT':
      return parseFloat32(value);
    case 'DOUBLE':
      return parseDouble(value);
    case 'DECIMAL':
      return parseDecimal(value, column.precision ?? 18, column.scale ?? 0);
    case 'DATE':
      return fromText(value, parseDate, 'a date such as "2026-11-22"');
    case 'TIME':
      return fromText(value, parseTime, 'a time such as "10:00:00" with at most 6 decimals');
    case 'TIMESTAMP':
      return fromText(value, parseTimestamp, 'a date and time without zone such as "2026-11-22T10:00:00", at most 6 decimals');
    case 'TIMESTAMPTZ':
      return parseInstant(value);
    case 'STRING':
      return parseString(value);
    case 'UUID':
      return typeof value === 'string' && UUID.test(value)
        ? value.toLowerCase()
        : new Refusal(`${show(value)} is not a UUID such as "123e4567-e89b-12d3-a456-426614174000"`);
    case 'BINARY':
      return parseBinary(value);
    case 'JSON':
      return parseJson(value);
    default:
      return unreachable(column.type);
  }
}

function parseInt32(value: unknown): Parsed {
  if (typeof value !== 'number' && typeof value !== 'bigint')
    return new Refusal(`${show(value)} is not an integer${unquoted(value, NUMBER)}`);
  const number = Number(value);
  if (!Number.isInteger(number)) return new Refusal(`${show(value)} is not an integer`);
  if (number < -2147483648 || number > 2147483647) return new Refusal(`${show(value)} does not fit in 32 bits; use a LONG column`);
  return number === 0 ? 0 : number;
}

function parseLong(value: unknown): Parsed {
  let long: bigint;
  if (typeof value === 'bigint') long = value;
  else if (typeof value === 'number') {
    if (!Number.isInteger(value)) return new Refusal(`${show(value)} is not an integer`);
    if (!Number.isSafeInteger(value)) {
      return new Refusal(`${show(value)} is past 2^53 and may have lost digits on its way; send it as a string`);
    }
    long = BigInt(value);
  } else if (typeof value === 'string' && INTEGER.test(value)) long = BigInt(value);
  else return new Refusal(`${show(value)} is not an integer or a string of one`);
  return long < LONG_MIN || long > LONG_MAX ? new Refusal(`${show(value)} does not fit in 64 bits`) : long;
}

/** Zero has no sign in a table: filters and keys take 0.0 and -0.0 for equal, and Parquet's dictionaries keep one of them. */
function parseDouble(value: unknown): Parsed {
  if (typeof value === 'bigint' || value instanceof InexactNumber) {
    const number = typeof value === 'bigint' ? doubleOf(value) : undefined;
    return number ?? new Refusal(`${show(value)} has more digits than a double holds; use LONG or DECIMAL`);
  }
  return typeof value === 'number' && Number.isFinite(value)
    ? value + 0
    : new Refusal(`${show(value)} is not a finite number${unquoted(value, NUMBER)}`);
}

function parseFloat32(value: unknown): Parsed {
  const number = parseDouble(value);
  if (typeof number !== 'number') return number;
  const single = Math.fround(number);
  return single === number || (Number.isFinite(single) && shortestFloat32(single) === number)
    ? single
    : new Refusal(`${show(value)} has more digits than a 32-bit float holds; use a DOUBLE column`);
}

/** The shortest decimal that reads back as the same 32-bit float, as a double: 0.1 for the float nearest to 0.1. */
function shortestFloat32(single: number): number {
  if (!Number.isFinite(single) || single === 0) return single;
  for (let digits = 1; digits < 9; digits += 1) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(single.toPrecision(9));
}

function parseDecimal(value: unknown, precision: number, scale: number): Parsed {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    return new Refusal(`${show(value)} may not be exact; send decimals as strings such as "1.50"`);
  }
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'bigint') {
    return new Refusal(`${show(value)} is not a decimal string`);
  }
  const match = DECIMAL.exec(String(value));
  if (match === null) return new Refusal(`${show(value)} is not a decimal string such as "101.12345678"`);
  const fraction = (match[2] ?? '').replace(/0+$/, '');
  if (fraction.length > scale) return new Refusal(`${show(value)} has more than ${scale} digits after the point`);
  const digits = BigInt((match[1] as string) + fraction.padEnd(scale, '0'));
  if (digits >= 10n ** BigInt(precision)) return new Refusal(`${show(value)} has more digits than DECIMAL(${precision}, ${scale}) holds`);
  return String(value).startsWith('-') ? -digits : digits;
}

/** Integers nearer to 1970 than this are taken for seconds: as milliseconds they lie between 1966 and 1973. */
const SECONDS_BELOW = 1e11;

/** Why an integer cannot be an instant in epoch milliseconds; undefined where it can. */
export function meantInSeconds(value: number): string | undefined {
  if (Math.abs(value) >= SECONDS_BELOW) return undefined;
  const text = (ms: number): string => `"${new Date(ms).toISOString()}"`;
  const milliseconds = value * 1000;
  const number = Math.abs(milliseconds) >= SECONDS_BELOW ? `${milliseconds}, or ` : '';
  return `was ${value} meant in seconds? Integers are epoch milliseconds: send ${number}${text(milliseconds)} as text; an instant between 1966 and 1973 is sent as text, ${text(value)}`;
}

function parseInstant(value: unknown): Parsed {
  if (typeof value === 'number') {
    if (!Number.isSafeInteger(value) || value < MIN_TIME_MS || value > MAX_TIME_MS) {
      return new Refusal(`${show(value)} is not an instant in epoch milliseconds`);
    }
    const seconds = meantInSeconds(value);
    if (seconds !== undefined) return new Refusal(seconds);
    return BigInt(value) * 1000n;
  }
  if (value instanceof Date && !Number.isNaN(value.getTime())) return BigInt(value.getTime()) * 1000n;
  return fromText(value, parseTimestampTz, 'an instant with a zone such as "2026-11-22T10:00:00Z", at most 6 decimals');
}

function parseString(value: unknown): Parsed {
  if (typeof value !== 'string') return new Refusal(`${show(value)} is not a string${quoted(value)}`);
  return value.isWellFormed() ? value : new Refusal('the text has a lone surrogate, half of a character; send well-formed Unicode');
}

function parseBinary(value: unknown): Parsed {
  if (value instanceof Uint8Array) return value;
  if (typeof value === 'string' && BASE64.test(value)) {
    const bytes = Buffer.from(value, 'base64');
    // Bits that the last character has too many must be zero, or two texts would mean the same bytes.
    if (bytes.toString('base64') === value) return new Uint8Array(bytes);
  }
  return new Refusal(`${show(value)} is not a base64 string`);
}

function parseJson(value: unknown): Parsed {
  try {
    return exactJson(value);
  } catch (error) {
    return new Refusal(`not JSON: ${(error as Error).message}`);
  }
}

function fromText(value: unknown, parse: (text: string) => number | bigint | undefined, form: string): Parsed {
  const parsed = typeof value === 'string' ? parse(value) : undefined;
  return parsed === undefined ? new Refusal(`${show(value)} is not ${form}`) : parsed;
}

/** A cell as a JSON value; the table in types.ts gives the forms. NaN and infinities become null. */
export function toWire(column: ValueType, cell: Cell): unknown {
  if (cell === null) return null;
  switch (column.type) {
    case 'LONG':
      return String(cell);
    case 'FLOAT':
      return Number.isFinite(cell) ? shortestFloat32(cell as number) : null;
    case 'DOUBLE':
      return Number.isFinite(cell) ? cell : null;
    case 'DECIMAL':
      return formatDecimal(cell as bigint, column.scale ?? 0);
    case 'DATE':
      return formatDate(cell as number);
    case 'TIME':
      return formatTime(cell as number);
    case 'TIMESTAMP':
      return formatTimestamp(cell as bigint);
    case 'TIMESTAMPTZ':
      return formatTimestampTz(cell as bigint);
    case 'BINARY':
      return Buffer.from(cell as Uint8Array).toString('base64');
    case 'JSON':
      return JSON.parse(cell as string) as unknown;
    case 'BOOLEAN':
    case 'INT':
    case 'STRING':
    case 'UUID':
      return cell;
    default:
      return unreachable(column.type);
  }
}

/** An unscaled decimal as text, all digits of its scale written out. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  const negative = unscaled < 0n;
  const digits = String(negative ? -unscaled : unscaled).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const text = scale === 0 ? whole : `${whole}.${digits.slice(digits.length - scale)}`;
  return negative ? `-${text}` : text;
}

/** Whether two cells of one column hold the same value: NaN is itself, and zero has no sign. */
export function sameCell(left: Cell, right: Cell): boolean {
  if (left instanceof Uint8Array && right instanceof Uint8Array) return Buffer.compare(left, right) === 0;
  return left === right || Object.is(left, right);
}
