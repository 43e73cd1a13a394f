/** Figures of the live path, for operators. */

export const LIVE_CLASSES = ['snapshotCommitted', 'changes', 'live'] as const;
export type LiveClass = (typeof LIVE_CLASSES)[number];

/** What the live path says of itself; counters since the server started. */
export interface LiveFigures {
  /** Open connections. */
  readonly sockets: { readonly webSocket: number; readonly eventStream: number };
  /** Connections that wait for their client to read. */
  readonly paused: number;
  /** Connections that were closed by the server, by reason. */
  readonly closed: { readonly stalled: number; readonly refused: number };
  /** By class: open subscriptions; different ones among them (executed once an event for all); events that were executed; events that were sent; how many snapshots the furthest-behind subscriber is behind. */
  readonly classes: Readonly<
    Record<
      LiveClass,
      {
        readonly subscriptions: number;
        readonly distinct: number;
        readonly executions: number;
        readonly events: number;
        readonly lagSnapshots: number;
      }
    >
  >;
}
