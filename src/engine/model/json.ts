/**
 * JSON text of a value that is JSON through and through: what JSON.stringify would drop or change is refused. A number is
 * taken only where the double that JavaScript keeps for it reads back as the same decimal: `exact-numbers.ts` has the rule.
 */
import { doubleOf, InexactNumber } from './exact-numbers.ts';
import { LIMITS } from './limits.ts';

function check(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key];
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} is not a JSON number`);
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`${typeof value} is not a JSON value`);
  const double = typeof value === 'bigint' ? doubleOf(value) : undefined;
  if (double !== undefined) return double;
  if (typeof value === 'bigint' || original instanceof InexactNumber)
    throw new TypeError(`the number ${shortened(String(original))} has more digits than JSON numbers keep; send it as a string`);
  if (typeof original === 'object' && original !== null && !Array.isArray(original)) {
    const prototype: unknown = Object.getPrototypeOf(original);
    if (prototype !== Object.prototype && prototype !== null) throw new TypeError('an object of a class is not a JSON object');
  }
  return value;
}

function shortened(text: string): string {
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

/** @throws TypeError saying what is no JSON in it, or that it is nested too deep */
export function exactJson(value: unknown): string {
  if (isDeeper(value, LIMITS.jsonDepthMax))
    throw new TypeError(`it is nested deeper than ${LIMITS.jsonDepthMax} levels, the maximum of jsonDepthMax`);
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
