/** Slots: how many tasks run at once, and in which order the others follow. */
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Slots } from '../../src/engine/index.ts';

it('a task that comes back at once stands behind those that wait, also where the event loop has its turn first', async () => {
  const slots = new Slots({ slots: 2, stretchMs: 0 });
  const order: string[] = [];
  const task = async (name: string, rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round += 1)
      await slots.use(async () => {
        order.push(name);
        // Longer than the stretch, so that its end lets the event loop have its turn.
        await setImmediate();
      });
  };
  await Promise.all([task('first', 5), task('second', 5), task('third', 1), task('fourth', 1)]);
  expect(order.slice(0, 4)).toEqual(['first', 'second', 'third', 'fourth']);
  expect(order.length).toBe(12);
});

it('no more tasks run at once than there are slots, however they end', async () => {
  const slots = new Slots({ slots: 3, stretchMs: 0 });
  let running = 0;
  let most = 0;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 40 }, (_, index) =>
      slots.use(async () => {
        running += 1;
        most = Math.max(most, running);
        for (let turn = 0; turn < index % 4; turn += 1) await setImmediate();
        running -= 1;
        if (index % 5 === 0) throw new Error('it failed');
        return index;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(outcomes.filter(({ status }) => status === 'rejected').length).toBe(8);
});
