/** Events as they go over the wire of an event stream: made once for all streams that an event is sent to, one after the other. */
import type { RowCopies, RowCopy } from '../../engine/index.ts';
import type { Payload } from '../../pubsub/index.ts';

export class EventFrames implements RowCopy {
  /** Of the event that is being sent; gone when the event loop turns. */
  #last: { readonly payload: Payload; readonly frame: Buffer } | undefined;

  constructor(copies: RowCopies) {
    copies.join('frames of event streams', this);
  }

  forget(): void {
    this.#last = undefined;
  }

  kept(): unknown {
    return this.#last;
  }

  of(payload: Payload): Buffer {
    if (this.#last?.payload === payload) return this.#last.frame;
    if (this.#last === undefined) setImmediate(() => this.forget());
    const { jsonAndBrace, cursor } = payload;
    const json = jsonAndBrace.subarray(0, -1);
    const frame = Buffer.concat([Buffer.from(`event: next\nid: ${cursor}\ndata: `), json, Buffer.from('\n\n')]);
    this.#last = { payload, frame };
    return frame;
  }
}
