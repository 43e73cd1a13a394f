/** Long work in parts, so that others have the event loop in between. */

/** How long work goes on before the event loop has its turn, milliseconds. */
export const STRETCH_MS = 8;

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
