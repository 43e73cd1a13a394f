/** Executed events that are kept for subscribers: the bound is on the memory that they hold, not on the text that they show. */
import { expect, it } from 'vitest';
import { RowCopies } from '../../src/engine/data/row-copies.ts';
import { Payloads } from '../../src/pubsub/payloads.ts';

const MEBIBYTE = 1024 * 1024;

it('counts what a payload keeps from being freed: a slice of a pool holds the pool', async () => {
  const payloads = new Payloads(MEBIBYTE, new RowCopies());
  const kept: Buffer[] = [];
  for (let index = 0; index < 2_000; index += 1) {
    const slice = Buffer.alloc(8192).subarray(0, 100);
    kept.push(slice);
    await payloads.get(`${index}`, { head: { now: index, isTold: false }, mayBeKept: true }, async () => ({
      jsonAndBrace: slice,
      cursor: '',
    }));
  }
  expect(payloads.bytes).toBeLessThanOrEqual(MEBIBYTE);
  let executed = 0;
  for (let index = 0; index < 2_000; index += 1)
    await payloads.get(`${index}`, { head: { now: index, isTold: false }, mayBeKept: true }, async () => {
      executed += 1;
      return { jsonAndBrace: kept[index] as Buffer, cursor: '' };
    });
  // A mebibyte has room for some 120 slabs of 8 KiB, so nearly all had gone.
  expect(executed).toBeGreaterThan(1_800);
});
