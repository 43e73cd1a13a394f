/** JSON as clients send it, with all digits of its numbers: what JSON.parse would round comes as a bigint, or keeps its text. */
import { randomUUID } from 'node:crypto';
import { exactNumber, isDeeper, longNumbers } from '../../engine/index.ts';

/** Stands before the digits of a number while it is a string; nobody can know it. */
const MARK = `${randomUUID()}:`;
/** Deeper values are refused by their depth, wherever they come in. */
const LEVELS_MAX = 1_000;

/** JSON text in which numbers that need it are marked strings; the same text where none does. */
export function markedNumbers(json: string): string {
  let marked = '';
  let from = 0;
  for (const { text, start, end } of longNumbers(json)) {
    if (typeof exactNumber(text) === 'number' || !isNumber(text)) continue;
    marked += `${json.slice(from, start)}"${MARK}${text}"`;
    from = end;
  }
  return from === 0 ? json : marked + json.slice(from);
}

function isNumber(text: string): boolean {
  return /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text);
}

/** Puts numbers in the place of marked strings, in an object or list that was parsed from marked text. */
export function withNumbers<T>(value: T): T {
  return isDeeper(value, LEVELS_MAX) ? value : (restored(value) as T);
}

function restored(value: unknown): unknown {
  if (typeof value === 'string') return value.startsWith(MARK) ? exactNumber(value.slice(MARK.length)) : value;
  if (typeof value !== 'object' || value === null) return value;
  const into = value as Record<string | number, unknown>;
  for (const key of Object.keys(into)) into[key] = restored(into[key]);
  return value;
}

/** @throws SyntaxError as JSON.parse */
export function parseJson(json: string): unknown {
  const marked = markedNumbers(json);
  const value: unknown = JSON.parse(marked);
  return marked === json ? value : withNumbers(value);
}
