/**
 * Which numbers of JSON text JavaScript keeps: those whose double is written, in its shortest form, as the same decimal. So
 * everything that JavaScript itself writes is kept (0.1, 1e21, 123456789012345680000), and 9007199254740993, 1e400 or
 * 0.1234567890123456789 are not. JSON.parse rounds without a word; here such a number keeps its text on its way in.
 */

/** A number whose digits no double keeps; an integer is a bigint instead. */
export class InexactNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
  toString(): string {
    return this.text;
  }
  toJSON(): string {
    return this.text;
  }
}

const PARTS = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/** A decimal without its sign as digits without zeros at either end, and the power of ten of the last one. */
function normal(text: string): string {
  const match = PARTS.exec(text);
  if (match === null) return text;
  const fraction = match[2] ?? '';
  const all = `${match[1]}${fraction}`;
  let start = 0;
  let end = all.length;
  while (start < end && all.charCodeAt(start) === 48) start += 1;
  while (end > start && all.charCodeAt(end - 1) === 48) end -= 1;
  if (start === end) return '0';
  return `${all.slice(start, end)}e${Number(match[3] ?? 0) - fraction.length + (all.length - end)}`;
}

/** Whether the double nearest to a JSON number is written as the same decimal. `text`: a number as JSON has it */
export function roundTrips(text: string): boolean {
  // Up to 15 digits always come back.
  if (text.length <= 15 && !/[eE]/.test(text)) return true;
  const number = Number(text);
  return Number.isFinite(number) && normal(text) === normal(String(number));
}

const INTEGER = /^-?\d{1,1000}$/;

/**
 * A number of JSON text as a value that has all its digits: an integer past 2^53 as a bigint, so that a LONG gets it exactly
 * and any other type decides for itself; what no double keeps under its own text; all else as a number.
 */
export function exactNumber(text: string): number | bigint | InexactNumber {
  if (INTEGER.test(text)) return Number.isSafeInteger(Number(text)) ? Number(text) : BigInt(text);
  return roundTrips(text) ? Number(text) : new InexactNumber(text);
}

/** A number for an integer, where one keeps all its digits. */
export function doubleOf(value: bigint): number | undefined {
  return roundTrips(String(value)) ? Number(value) : undefined;
}

/** Something that may be a number with more digits than a double keeps, or past its range, where JSON has values. */
const SUSPECT = /(?:^|[:,[\s])-?(?:[\d.]{16}|[\d.]+[eE])/;

export interface NumberAt {
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Numbers of JSON text that JSON.parse would round, in order. Text that is no JSON gives what it gives. */
export function inexactNumbers(json: string): NumberAt[] {
  return longNumbers(json).filter(({ text }) => !roundTrips(text));
}

/** Numbers of JSON text that may need more than a double, in order: any that is long or has an exponent. */
export function longNumbers(json: string): NumberAt[] {
  const found: NumberAt[] = [];
  if (!SUSPECT.test(json)) return found;
  for (let at = 0; at < json.length; ) {
    const code = json.charCodeAt(at);
    if (code === QUOTE) at = endOfString(json, at);
    else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      const start = at;
      do at += 1;
      while (at < json.length && isOfNumber(json.charCodeAt(at)));
      const text = json.slice(start, at);
      if (text.length > 15 || /[eE]/.test(text)) found.push({ text, start, end: at });
    } else at += 1;
  }
  return found;
}

const QUOTE = 34;
const BACKSLASH = 92;
const MINUS = 45;
const ZERO = 48;
const NINE = 57;

/** Digits, sign, point and exponent. */
function isOfNumber(code: number): boolean {
  return (code >= ZERO && code <= NINE) || code === 46 || code === 101 || code === 69 || code === 43 || code === MINUS;
}

/** The place after a string that begins with a quote. */
function endOfString(json: string, start: number): number {
  for (let at = start; ; ) {
    at = json.indexOf('"', at + 1);
    if (at < 0) return json.length;
    let slashes = 0;
    while (json.charCodeAt(at - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return at + 1;
  }
}
