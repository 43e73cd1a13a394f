/**
 * A broadcast of which only the newest event counts: a live query. At most one run of it is under way, however many commits
 * come meanwhile. A subscriber that is behind gets the newest answer, and an answer that says the same as the last one is
 * not sent.
 */
import { Channel, type ChannelParts, type Member } from './channel.ts';
import type { Position } from './position.ts';
import type { Payload } from './sink.ts';
import type { Source, Step } from './source.ts';

/** An answer of a live query. */
export interface LiveAnswer {
  readonly payload: Payload;
  /** The same for answers that say the same, whatever snapshot they are of. */
  readonly content: string;
}

/** The longest rest after a run; it is as long as the run took, so that one live query never takes all there is. */
const REST_MS_MAX = 1_000;

export class LatestChannel<Event> extends Channel<Event> {
  readonly #execute: (step: Step<Event>) => Promise<LiveAnswer>;
  #answer: LiveAnswer | undefined;
  /** How often answers have differed, and what of that each member has been sent. */
  #version = 0;
  readonly #sent = new Map<Member, number>();
  /** The newest commit when each member came: an older answer may lack what it has been told already. */
  readonly #since = new Map<Member, number>();
  /** Members that wait for their connection to drain. */
  readonly #paused = new Set<Member>();
  #position: Position;

  constructor(source: Source<Event>, parts: ChannelParts, execute: (step: Step<Event>) => Promise<LiveAnswer>) {
    super(source, parts);
    this.#execute = execute;
    this.#position = source.start;
    void this.#run();
  }

  lag(headSnapshotId: number): number {
    return this.#answer === undefined ? 0 : Math.max(0, headSnapshotId - this.#position.snapshotId);
  }

  protected joined(member: Member): void {
    this.#sent.set(member, 0);
    this.#since.set(member, this.parts.feed.headSnapshotId);
    // An answer that has not been held against the newest commit is not for somebody who has just come.
    if (this.#position.snapshotId >= this.parts.feed.headSnapshotId) this.#offer(member);
    else this.wake();
  }

  protected left(member: Member): void {
    this.#sent.delete(member);
    this.#since.delete(member);
    this.#paused.delete(member);
  }

  #offer(member: Member): void {
    if (this.#position.snapshotId < (this.#since.get(member) ?? 0)) return;
    if (this.#answer === undefined || this.#sent.get(member) === this.#version || this.#paused.has(member)) return;
    if (member.sink.isCongested) {
      this.#paused.add(member);
      member.sink.onDrained(() => {
        this.#paused.delete(member);
        if (!member.isGone) this.#offer(member);
      });
      return;
    }
    this.#sent.set(member, this.#version);
    this.send(member, this.#answer.payload);
  }

  #offerAll(): void {
    for (const member of this.#sent.keys()) this.#offer(member);
  }

  async #run(): Promise<void> {
    try {
      const reader = this.source.reader(this.#position);
      do {
        const step = await reader.next();
        if (step !== undefined) await this.#ask(step);
        if (this.isClosed) return;
        this.#position = reader.position;
        this.#offerAll();
      } while (await this.more(reader.position));
    } catch (error) {
      if (!this.parts.feed.stopped) this.endAll(error);
    }
  }

  async #ask(step: Step<Event>): Promise<void> {
    const start = performance.now();
    const answer = await this.patiently(() => this.parts.running(() => this.#execute(step)));
    if (answer === undefined || this.isClosed) return;
    if (answer.content !== this.#answer?.content) this.#version += 1;
    this.#answer = answer;
    this.#position = step.position;
    this.#offerAll();
    const tookMs = performance.now() - start;
    if (this.parts.feed.headSnapshotId > step.position.snapshotId) await this.rest(Math.min(tookMs, REST_MS_MAX));
  }
}
