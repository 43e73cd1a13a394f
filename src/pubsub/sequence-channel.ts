/**
 * A channel of events that all count: commits and row changes. It reads its source as far as the log goes and hands each
 * payload to every member that keeps up; a member that does not goes back to reading from the log, and joins again where
 * it has caught up. So each gets exactly the events after its position, in order, once (invariant 7).
 */
import { Channel, type ChannelParts, type Member } from './channel.ts';
import { Lease } from './lease.ts';
import { after, isBefore, type Position } from './position.ts';
import type { Payload } from './sink.ts';
import type { Reader, Source, Step } from './source.ts';

/** Events that a member reads from the log before another has its turn. */
const TURN_EVENTS = 1_000;

export class SequenceChannel<Event> extends Channel<Event> {
  readonly #execute: (step: Step<Event>) => Promise<Payload>;
  /** Members that get each payload as it is executed. */
  readonly #live = new Set<Member>();
  /** Members that read from the log or wait for their connection to drain, and what holds what they still need. */
  readonly #behind = new Map<Member, Lease>();
  #position: Position;

  /** `execute` gives the payload of an event; asked twice for one, it may answer from what it kept. */
  constructor(source: Source<Event>, parts: ChannelParts, execute: (step: Step<Event>) => Promise<Payload>) {
    super(source, parts);
    this.#execute = execute;
    // Whoever wants earlier events reads them from the log.
    this.#position = after(parts.feed.headSnapshotId);
    void this.#run();
  }

  lag(headSnapshotId: number): number {
    let oldest = this.#live.size === 0 ? headSnapshotId : this.#position.snapshotId;
    for (const { position } of this.#behind.keys()) oldest = Math.min(oldest, position.snapshotId);
    return Math.max(0, headSnapshotId - oldest);
  }

  protected joined(member: Member): void {
    if (this.#isCurrent(member)) this.#live.add(member);
    else this.#fallBehind(member);
  }

  protected left(member: Member): void {
    this.#live.delete(member);
    this.#behind.get(member)?.release();
    this.#behind.delete(member);
  }

  #isCurrent(member: Member): boolean {
    return !isBefore(member.position, this.#position);
  }

  async #run(): Promise<void> {
    const lease = new Lease(this.parts.hold, this.#position);
    try {
      const reader = this.source.reader(this.#position);
      do {
        await this.#readOn(reader, lease);
      } while (await this.more(reader.position));
    } catch (error) {
      if (!this.parts.feed.stopped) this.endAll(error);
    } finally {
      lease.release();
    }
  }

  async #readOn(reader: Reader<Event>, lease: Lease): Promise<void> {
    for (;;) {
      const step = await reader.next();
      if (step === undefined || this.isClosed) break;
      const payload = await this.#execute(step);
      this.#position = step.position;
      lease.move(step.position);
      this.#deliver(payload, step.position);
    }
    this.#position = reader.position;
    lease.move(reader.position);
  }

  #deliver(payload: Payload, position: Position): void {
    for (const member of this.#live) {
      // One that came with a position ahead of the channel's has it already.
      if (!isBefore(member.position, position)) continue;
      if (member.sink.isCongested) {
        this.#live.delete(member);
        this.#fallBehind(member);
        continue;
      }
      member.position = position;
      this.send(member, payload);
    }
  }

  #fallBehind(member: Member): void {
    const lease = new Lease(this.parts.hold, member.position);
    this.#behind.set(member, lease);
    this.#catchUp(member, lease).catch((error: unknown) => this.end(member, error));
  }

  /** Brings one member from its position to where the channel is. */
  async #catchUp(member: Member, lease: Lease): Promise<void> {
    const reader = this.source.reader(member.position);
    let isBehind = true;
    while (isBehind) {
      if (member.sink.isCongested) await new Promise<void>((resolve) => member.sink.onDrained(resolve));
      isBehind = await this.parts.catchingUp(() => this.#readFor(member, reader, lease));
    }
  }

  /** @returns whether the member is still behind: its connection is congested, or it is another's turn */
  async #readFor(member: Member, reader: Reader<Event>, lease: Lease): Promise<boolean> {
    for (let events = 0; events < TURN_EVENTS; ) {
      if (member.isGone) return false;
      if (this.#isCurrent(member)) {
        // In one turn with the look at its position: what the channel reads next finds the member there.
        this.#behind.delete(member);
        lease.release();
        this.#live.add(member);
        return false;
      }
      if (member.sink.isCongested) return true;
      const step = await reader.next();
      if (step === undefined) {
        member.position = reader.position;
        continue;
      }
      const payload = await this.#execute(step);
      if (member.isGone) return false;
      member.position = step.position;
      lease.move(step.position);
      this.send(member, payload);
      events += 1;
    }
    return true;
  }
}
