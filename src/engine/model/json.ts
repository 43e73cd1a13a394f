/** JSON text of a value that is JSON through and through: what JSON.stringify would drop or change is refused. */

function check(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Record<string, unknown>)[key];
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} is not a JSON number`);
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`${typeof value} is not a JSON value`);
  if (typeof value === 'bigint') throw new TypeError('a number has more digits than JSON numbers keep; send it as a string');
  if (typeof original === 'object' && original !== null && !Array.isArray(original)) {
    const prototype: unknown = Object.getPrototypeOf(original);
    if (prototype !== Object.prototype && prototype !== null) throw new TypeError('an object of a class is not a JSON object');
  }
  return value;
}

/** @throws TypeError saying what is no JSON in it */
export function exactJson(value: unknown): string {
  return JSON.stringify(value, check) as string;
}
