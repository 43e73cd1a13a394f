/** A table with a column of every type, and random rows for it in wire form, as they also read back. */
import fc from 'fast-check';
import type { ColumnDefinition } from '../../src/engine/index.ts';

/** One optional column of every type. */
export const EVERY_TYPE: readonly ColumnDefinition[] = [
  { name: 'boolean', type: 'BOOLEAN' },
  { name: 'int', type: 'INT' },
  { name: 'long', type: 'LONG' },
  { name: 'float', type: 'FLOAT' },
  { name: 'double', type: 'DOUBLE' },
  { name: 'decimal', type: 'DECIMAL', precision: 18, scale: 8 },
  { name: 'wide', type: 'DECIMAL', precision: 38, scale: 3 },
  { name: 'date', type: 'DATE' },
  { name: 'time', type: 'TIME' },
  { name: 'timestamp', type: 'TIMESTAMP' },
  { name: 'timestamptz', type: 'TIMESTAMPTZ' },
  { name: 'string', type: 'STRING' },
  { name: 'uuid', type: 'UUID' },
  { name: 'binary', type: 'BINARY' },
  { name: 'json', type: 'JSON' },
];

/** Text that one append cannot carry inside its commit: what comes with it is staged as a file. */
export const TOO_BIG_FOR_HOT = 'x'.repeat(70_000);

const DAY_MS = 86_400_000;
const FIRST_DAY = -719_162; // 0001-01-01
const LAST_DAY = 2_932_896; // 9999-12-31

const day = fc.integer({ min: FIRST_DAY, max: LAST_DAY }).map((days) => new Date(days * DAY_MS).toISOString().slice(0, 10));
const clock = fc.tuple(fc.integer({ min: 0, max: DAY_MS - 1 }), fc.constantFrom('000', '001', '500', '999'));
const time = clock.map(([ms, micros]) => new Date(ms).toISOString().slice(11, 23) + micros);
const timestamp = fc.tuple(day, clock).map(([date, [ms, micros]]) => {
  const text = `${date}T${new Date(ms).toISOString().slice(11, 23)}`;
  return micros === '000' ? text : text + micros;
});

function decimal(precision: number, scale: number): fc.Arbitrary<string> {
  const largest = 10n ** BigInt(precision) - 1n;
  return fc.bigInt({ min: -largest, max: largest }).map((unscaled) => {
    const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
    return `${unscaled < 0n ? '-' : ''}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
  });
}

/** The shortest decimal of a 32-bit float. */
function shortest(single: number): number {
  for (let digits = 1; digits <= 9; digits += 1) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return single;
}

const values: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  boolean: fc.boolean(),
  int: fc.integer(),
  long: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  float: fc.float({ noNaN: true, noDefaultInfinity: true }).map((single) => shortest(single === 0 ? 0 : single)),
  // Zero has no sign in a table.
  double: fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
  decimal: decimal(18, 8),
  wide: decimal(38, 3),
  date: day,
  time,
  timestamp,
  timestamptz: timestamp.map((text) => `${text}Z`),
  string: fc.string({ unit: 'binary', maxLength: 20 }),
  uuid: fc.uuid(),
  binary: fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64')),
  // What JSON text can say: no -0, no lone surrogates.
  json: fc.jsonValue().map((value): unknown => JSON.parse(JSON.stringify(value))),
};

/** A valid row of EVERY_TYPE, one value in six null. */
export const randomRow: fc.Arbitrary<Record<string, unknown>> = fc.record(
  Object.fromEntries(EVERY_TYPE.map(({ name }) => [name, fc.option(values[name] ?? fc.constant(null), { freq: 6 })])),
);
