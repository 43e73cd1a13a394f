/** The CPU time of a process, as Linux counts it. */
import { readdirSync, readFileSync } from 'node:fs';

/** Kernel clock ticks a second, as /proc/PID/stat counts CPU time. */
const TICKS = 100;

/**
 * CPU seconds that a process has used, all threads together; NaN where the system does not tell. Exact to the nanosecond
 * where the kernel keeps schedstat, as long as no thread has ended; else in ticks of 10 ms.
 */
export function cpuSecondsOf(pid: number): number {
  return told(() => nanosecondsOf(pid) / 1e9) ?? told(() => ticksOf(pid) / TICKS) ?? Number.NaN;
}

function told(read: () => number): number | undefined {
  try {
    const found = read();
    return Number.isFinite(found) ? found : undefined;
  } catch {
    return undefined;
  }
}

function nanosecondsOf(pid: number): number {
  let sum = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    sum += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
  }
  return sum;
}

function ticksOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return Number(fields[11]) + Number(fields[12]);
}
