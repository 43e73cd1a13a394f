/**
 * A broadcast of events that all count: commits and row changes. It reads its source to the end of the log and sends each
 * payload to every subscriber that keeps up. A subscriber that does not keep up reads from the log, and joins again where it
 * has caught up. So each gets exactly the events after its position, in order, once (invariant 7).
 */
import { Channel, type ChannelParts, type Member } from './channel.ts';
import { Lease } from './lease.ts';
import { after, END, isBefore, type Position } from './position.ts';
import type { Payload } from './sink.ts';
import type { Reader, Source, Step } from './source.ts';

/**
 * How long a member reads from the log before another has its turn, milliseconds. Not much shorter: members that go on in
 * turns each read what another has just read, and the kept changes are those of a third.
 */
const TURN_MS = 1_000;

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
    const { position } = member;
    if (isBefore(position, this.#position)) return false;
    // Inside a commit, only where an event of the channel ends: its next one begins there. What lies in the future is waited for.
    return position.row === END || !isBefore(this.#position, position) || position.snapshotId > this.parts.feed.headSnapshotId;
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
      const step = await this.#inTurn(() => reader.next());
      if (this.isClosed) return;
      if (step === undefined) break;
      const payload = await this.#inTurn(() => this.#execute(step));
      if (payload === undefined || this.isClosed) return;
      this.#position = step.position;
      lease.move(step.position);
      this.#deliver(payload, step.position);
    }
    this.#position = reader.position;
    lease.move(reader.position);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T | undefined> {
    return this.patiently(() => this.parts.running(work));
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
    const end = performance.now() + TURN_MS;
    while (performance.now() < end) {
      if (member.isGone || this.parts.feed.stopped) return false;
      if (this.#isCurrent(member)) {
        // In one turn with the look at its position: what the channel reads next finds the member there.
        this.#behind.delete(member);
        lease.release();
        this.#live.add(member);
        return false;
      }
      if (member.sink.isCongested) return true;
      const step = await this.patiently(() => reader.next());
      if (step === undefined) {
        member.position = reader.position;
        continue;
      }
      const payload = await this.patiently(() => this.#execute(step));
      if (payload === undefined || member.isGone) return false;
      member.position = step.position;
      lease.move(step.position);
      this.send(member, payload);
    }
    return true;
  }
}
