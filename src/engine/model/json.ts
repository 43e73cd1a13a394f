/**
 * JSON that is kept as it came. `exactJson` writes a value, `jsonFault` reads a text: what JSON.stringify or JSON.parse would
 * drop, round or change is refused, and so is what nests too deep to be written again.
 */
import { doubleOf, InexactNumber, roundTrips } from './exact-numbers.ts';
import { LIMITS } from './limits.ts';

function check(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key];
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} is not a JSON number`);
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`${typeof value} is not a JSON value`);
  const double = typeof value === 'bigint' ? doubleOf(value) : undefined;
  if (double !== undefined) return double;
  if (typeof value === 'bigint' || original instanceof InexactNumber)
    throw new TypeError(`the number ${String(original).slice(0, 60)} has more digits than JSON numbers keep; send it as a string`);
  if ((typeof value === 'string' && !value.isWellFormed()) || !key.isWellFormed()) throw new TypeError(HALF_A_CHARACTER);
  if (typeof original === 'object' && original !== null && !Array.isArray(original)) {
    const prototype: unknown = Object.getPrototypeOf(original);
    if (prototype !== Object.prototype && prototype !== null) throw new TypeError('an object of a class is not a JSON object');
  }
  return value;
}

const HALF_A_CHARACTER = 'a text has a lone surrogate, half of a character';
const TOO_DEEP = `it nests more than ${LIMITS.jsonDepthMax} deep (jsonDepthMax)`;

/** @throws TypeError saying what is no JSON in it */
export function exactJson(value: unknown): string {
  if (isDeeper(value, LIMITS.jsonDepthMax)) throw new TypeError(TOO_DEEP);
  return JSON.stringify(value, check) as string;
}

/** Whether objects and lists are nested deeper than some levels. It looks no deeper, so it can be asked of any value. */
export function isDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels <= 0) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item === 'object' && item !== null && isDeeper(item, levels - 1)) return true;
    return false;
  }
  for (const key in value) {
    const item = (value as Record<string, unknown>)[key];
    if (typeof item === 'object' && item !== null && isDeeper(item, levels - 1)) return true;
  }
  return false;
}

const [QUOTE, BACKSLASH, COLON, OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x22, 0x5c, 0x3a, 0x5b, 0x5d, 0x7b, 0x7d];

/** The place after the closing quote of a string that begins at a place. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** Why a text is not JSON that reads back as it is written; undefined where it is. */
export function jsonFault(text: string): string | undefined {
  try {
    JSON.parse(text);
  } catch (error) {
    return `not JSON: ${(error as Error).message.slice(0, 200)}`;
  }
  const keys: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = stringEnd(text, at);
      const value = JSON.parse(text.slice(at, end)) as string;
      if (!value.isWellFormed()) return HALF_A_CHARACTER;
      at = end;
      if (!isKey(text, end)) continue;
      const seen = keys.at(-1);
      if (seen?.has(value)) return `an object has the key ${JSON.stringify(value.slice(0, 60))} twice`;
      seen?.add(value);
    } else if (code === 0x2d || (code >= 0x30 && code <= 0x39)) {
      const [token] = /^[-+.0-9eE]+/.exec(text.slice(at, at + NUMBER_LENGTH_MAX + 1)) as RegExpExecArray;
      if (token.length > NUMBER_LENGTH_MAX || !roundTrips(token))
        return `the number ${token.slice(0, 60)} has more digits than JSON numbers keep; write it as a string`;
      at += token.length;
    } else {
      if (code === OPEN_LIST || code === OPEN_OBJECT) keys.push(code === OPEN_OBJECT ? new Set() : undefined);
      else if (code === CLOSE_LIST || code === CLOSE_OBJECT) keys.pop();
      if (keys.length > LIMITS.jsonDepthMax) return TOO_DEEP;
      at += 1;
    }
  }
  return undefined;
}

/** Longer numbers are refused, whatever they say. */
const NUMBER_LENGTH_MAX = 1_000;

/** Whether the next thing after a string is a colon. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && text.charCodeAt(at) <= 0x20) at += 1;
  return text.charCodeAt(at) === COLON;
}
