/** Dates and times as text, exact to the microsecond. Proleptic Gregorian calendar, years 0001 to 9999, as ISO 8601. */

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?$/;
const DATE_TIME = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(.*)$/;
const ZONE = /^(?:[Zz]|([+-])(\d{2}):?(\d{2})?)$/;

const DAY_MS = 86_400_000;
const MICROS_PER_MS = 1000n;
export const MICROS_PER_DAY = 86_400_000_000;

/** First and last instant that can be stored, in milliseconds: 0001-01-01 and the end of 9999-12-31, UTC. */
export const MIN_TIME_MS = -62_135_596_800_000;
export const MAX_TIME_MS = 253_402_300_799_999;

/** Days since 1970-01-01, or undefined where the text is no real date. */
export function parseDate(text: string): number | undefined {
  const match = DATE.exec(text);
  if (match === null) return undefined;
  const year = Number(match[1]);
  const month = Number(match[2]);
  const day = Number(match[3]);
  if (year < 1 || month < 1 || month > 12 || day < 1) return undefined;
  // Date.UTC reads years below 100 as 19xx, so the year is set on its own.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCDate() !== day) return undefined;
  return date.getTime() / DAY_MS;
}

/** Microseconds since midnight, or undefined. Digits past the sixth must be zero: nothing is rounded. */
export function parseTime(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const hours = Number(match[1]);
  const minutes = Number(match[2]);
  const seconds = Number(match[3] ?? 0);
  if (hours > 23 || minutes > 59 || seconds > 59) return undefined;
  const fraction = match[4] ?? '';
  if (fraction.length > 6 && /[1-9]/.test(fraction.slice(6))) return undefined;
  const micros = Number(fraction.slice(0, 6).padEnd(6, '0'));
  return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + micros;
}

/** Microseconds since the epoch of a date and time without zone, or undefined. */
export function parseTimestamp(text: string): bigint | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null || match[3] !== '') return undefined;
  return combine(match[1] as string, match[2] as string);
}

/** Microseconds since the epoch of a date and time with `Z` or an offset, or undefined. */
export function parseTimestampTz(text: string): bigint | undefined {
  const match = DATE_TIME.exec(text);
  if (match === null) return undefined;
  const zone = ZONE.exec(match[3] as string);
  if (zone === null) return undefined;
  const local = combine(match[1] as string, match[2] as string);
  if (local === undefined) return undefined;
  if (zone[1] === undefined) return local;
  const hours = Number(zone[2]);
  const minutes = Number(zone[3] ?? 0);
  if (hours > 23 || minutes > 59) return undefined;
  const offset = BigInt((hours * 60 + minutes) * 60) * 1_000_000n;
  const micros = zone[1] === '-' ? local + offset : local - offset;
  return inRange(micros) ? micros : undefined;
}

function combine(date: string, time: string): bigint | undefined {
  const days = parseDate(date);
  const micros = parseTime(time);
  if (days === undefined || micros === undefined) return undefined;
  return BigInt(days) * BigInt(MICROS_PER_DAY) + BigInt(micros);
}

function inRange(micros: bigint): boolean {
  return micros >= BigInt(MIN_TIME_MS) * MICROS_PER_MS && micros <= BigInt(MAX_TIME_MS) * MICROS_PER_MS + 999n;
}

export function formatDate(days: number): string {
  return new Date(days * DAY_MS).toISOString().slice(0, 10);
}

/** `10:00:00.000000`. */
export function formatTime(micros: number): string {
  const seconds = Math.floor(micros / 1_000_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${clock}.${String(micros % 1_000_000).padStart(6, '0')}`;
}

/** `2026-11-22T10:00:00.000`, with microseconds where the value has them. */
export function formatTimestamp(micros: bigint): string {
  let ms = micros / MICROS_PER_MS;
  let rest = micros % MICROS_PER_MS;
  if (rest < 0n) {
    ms -= 1n;
    rest += MICROS_PER_MS;
  }
  const text = new Date(Number(ms)).toISOString().slice(0, -1);
  return rest === 0n ? text : text + String(rest).padStart(3, '0');
}

/** `2026-11-22T10:00:00.000Z`, with microseconds where the value has them. */
export function formatTimestampTz(micros: bigint): string {
  return `${formatTimestamp(micros)}Z`;
}

/** `2026-11-22T10:00:00.000Z` of epoch milliseconds. */
export function formatTimestampMs(ms: number): string {
  return new Date(ms).toISOString();
}
