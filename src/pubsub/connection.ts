/** Where events go: one subscription of one connection. */

/** One executed event, as every subscriber of it gets it. */
export interface Payload {
  /** The GraphQL result as UTF-8 JSON, and a closing brace behind it, which a message that it lies in ends with. */
  readonly jsonAndBrace: Buffer;
  /** Where a subscriber is once it has it; what it resumes from. */
  readonly cursor: string;
}

export interface SubscriberConnection {
  /** Hands a payload over; the connection keeps it until its client reads. */
  send(payload: Payload): void;
  /** Whether more waits in the connection than it may keep: nothing is sent to it until it has drained. */
  readonly isCongested: boolean;
  /** Calls back once, when the connection has drained. Not called where it closes instead. */
  onDrained(resume: () => void): void;
  /** The subscription is over: with an error, or because the server stops. */
  end(error: unknown): void;
}
