import { createServer } from 'node:net';
import { pino } from 'pino';
import { describe, expect, it, vi } from 'vitest';
import { startServer } from '../../src/server/index.ts';
import { eventually, testConfig } from '../support/server-support.ts';
import { temporaryDirectory } from '../support/support.ts';

/** Monitors of event-loop delay and observers of performance that are on. Neither keeps a process alive, so nothing else shows them. */
const on = vi.hoisted(() => ({ monitors: new Set<object>(), observers: new Set<object>() }));

vi.mock('node:perf_hooks', async (importOriginal) => {
  const original = await importOriginal<typeof import('node:perf_hooks')>();
  class CountedObserver extends original.PerformanceObserver {
    override observe(...options: Parameters<InstanceType<typeof original.PerformanceObserver>['observe']>): void {
      on.observers.add(this);
      super.observe(...options);
    }
    override disconnect(): void {
      on.observers.delete(this);
      super.disconnect();
    }
  }
  const monitorEventLoopDelay: typeof original.monitorEventLoopDelay = (options) => {
    const monitor = original.monitorEventLoopDelay(options);
    const { enable, disable } = monitor;
    monitor.enable = () => {
      on.monitors.add(monitor);
      return enable.call(monitor);
    };
    monitor.disable = () => {
      on.monitors.delete(monitor);
      return disable.call(monitor);
    };
    return monitor;
  };
  return { ...original, PerformanceObserver: CountedObserver, monitorEventLoopDelay };
});

const silent = pino({ level: 'silent' });
const left = (): number[] => [on.monitors.size, on.observers.size];
const timers = (): number =>
  process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout' || resource === 'Immediate').length;

describe('metrics leave nothing behind', () => {
  it('when a server stops: no monitor, observer or timer', async () => {
    const before = timers();
    for (const _ of [1, 2]) {
      const server = await startServer(testConfig(await temporaryDirectory()), silent);
      expect(left()).toEqual([1, 1]);
      await (await fetch(`${server.url}/metrics`)).text();
      await server.stop();
      expect(left()).toEqual([0, 0]);
    }
    await eventually(() => expect(timers()).toBeLessThanOrEqual(before));
  });

  it('where a server cannot start', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as { port: number };
    const config = { ...testConfig(await temporaryDirectory()), port };
    await expect(startServer(config, silent)).rejects.toMatchObject({ code: 'EADDRINUSE' });
    expect(left()).toEqual([0, 0]);
    await new Promise((resolve) => taken.close(resolve));
  });

  it('and start nothing where they are off', async () => {
    const server = await startServer(testConfig(await temporaryDirectory(), ['--metrics', 'off']), silent);
    expect(left()).toEqual([0, 0]);
    await server.stop();
  });
});
