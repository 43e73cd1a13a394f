/** Instants on the wire. */
export const milliseconds = (ms: number): string => new Date(ms).toISOString();
