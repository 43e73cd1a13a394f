import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactNumber, InexactNumber, inexactNumbers, roundTrips } from '../../src/engine/model/exact-numbers.ts';

describe('which numbers JavaScript keeps', () => {
  it.each([
    '0',
    '-0',
    '0.0',
    '1.5',
    '1.50',
    '100',
    '1e3',
    '0.1',
    '1E-7',
    '0.30000000000000004',
    '9007199254740992',
    '123456789012345680000',
    '1e21',
    '1.7976931348623157e308',
    '5e-324',
    '0e999',
    '1180591620717411300000',
  ])('%s is kept', (text) => expect(roundTrips(text)).toBe(true));
  it.each([
    '9007199254740993',
    '12345678901234567890',
    '1e400',
    '-1e400',
    '1e-400',
    '0.1234567890123456789',
    '1180591620717411303424',
    '0.10000000000000000555',
    '9'.repeat(400),
    `0.${'0'.repeat(400)}1`,
  ])('%s is not', (text) => expect(roundTrips(text)).toBe(false));

  it('whatever JavaScript writes is kept', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => roundTrips(JSON.stringify(number))));
  });

  it('an integer past 2^53 is a bigint, another one that is not kept has its text', () => {
    expect(exactNumber('9007199254740993')).toBe(9007199254740993n);
    expect(exactNumber('123456789012345680000')).toBe(123456789012345680000n);
    expect(exactNumber('7')).toBe(7);
    expect(exactNumber('0.1')).toBe(0.1);
    expect(exactNumber('1e400')).toEqual(new InexactNumber('1e400'));
  });
});

describe('numbers that JSON.parse would round', () => {
  it('are found outside of strings alone, with their places', () => {
    const json =
      '{"a": "x 9007199254740993", "\\\\": 9007199254740993, "c\\"": [1, 12.5, 1e400,-0.1234567890123456789], "9007199254740993": 1.0}';
    const found = inexactNumbers(json);
    expect(found.map(({ text }) => text)).toEqual(['9007199254740993', '1e400', '-0.1234567890123456789']);
    for (const { text, start, end } of found) expect(json.slice(start, end)).toBe(text);
  });

  it('none in what JSON.stringify writes', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => inexactNumbers(JSON.stringify(value)).length === 0));
  });
});
