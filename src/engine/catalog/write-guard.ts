/**
 * The one place that writes to LevelDB. LevelDB goes on behind a torn record of its log as if nothing were wrong, and at the
 * next start it drops what follows: so after any write that failed nothing more is written until LevelDB has been closed, the
 * end that was never acknowledged has been cut off its log, its files have been looked at, and it has been opened again and
 * found to hold the newest acknowledged commit. Keeps invariant 1.
 *
 *                a write fails                     once a second, and before a write
 *    writable ------------------> failed -------------------------------------> recovering
 *       ^                           ^                                            |   |
 *       |                           +------------ it still fails ----------------+   |
 *       +-------------- opened again, checked, and a write went well ----------------+--> damaged
 *
 *    any of them --> closed;  any of them -- the lock was lost --> lost
 *    writable, failed, recovering -- apply broke an invariant --> halted, until the database is opened again
 *
 * Reads go on in all but `closed` and `lost`: while LevelDB is closed and opened again they come from a copy of its folder.
 */
import { accessSync, constants, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { EngineError, invariant } from '../model/errors.ts';
import { LIMITS } from '../model/limits.ts';
import { troubleOf } from '../model/storage-error.ts';
import { copyCatalog, removeCopy } from './catalog-copy.ts';
import { HEAD_KEY } from './keys.ts';
import type { LevelHandle, SealedPut } from './level-handle.ts';
import { cutLogs } from './leveldb/cut.ts';
import { damagedLogs } from './leveldb/files.ts';
import { type DirectoryLock, directoryLost } from './lock.ts';
import { decodeHead, type Head } from './records.ts';
import { DescriptorReserve, missingSpace, missingSpaceNow } from './reserve.ts';
import { Watermark } from './watermark.ts';
import { again, failed, lacksSpace, type Phase, pauseAfter, type WriteTrouble } from './write-phases.ts';

export interface GuardParts {
  readonly dataDirectory: string;
  /** Where the folder is another than `catalog` of the data directory. */
  readonly directory?: string;
  readonly openLevel: (directory: string) => Promise<LevelHandle>;
  readonly lock?: DirectoryLock | undefined;
  /** Told when writing stops, with the reason, and when it goes on. */
  readonly onTrouble?: ((trouble: WriteTrouble | undefined) => void) | undefined;
  /** Called where the catalog's files turn out to be damaged; @returns the error */
  readonly corrupt: (what: string, cause?: unknown) => EngineError;
}

/** Deleting a key that is never there: a write that changes nothing. */
const NOTHING: SealedPut = { key: Buffer.of(0xff), value: null };
const NOTHING_ACKNOWLEDGED = { snapshotId: 0, logIndex: 0 };

export class WriteGuard {
  readonly #parts: GuardParts;
  readonly #directory: string;
  /** LevelDB on the catalog's own folder; undefined while it is closed. */
  #primary: LevelHandle | undefined;
  /** What reads come from: the primary, or a copy. */
  #reading: LevelHandle;
  #phase: Phase;
  /** The newest acknowledged commit; undefined before the first. */
  #acknowledged: Head | undefined;
  #watermark: Watermark | undefined;
  readonly #reserve = new DescriptorReserve();
  #writing: Promise<unknown> | undefined;
  #recovery: Promise<void> | undefined;
  #lacksSpace = false;
  #lacksSinceMs = 0;
  #isWatching = false;
  /** The code of the trouble that was told of last. */
  #told: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  private constructor(parts: GuardParts, reading: LevelHandle, primary: LevelHandle | undefined, phase: Phase) {
    this.#parts = parts;
    this.#directory = parts.directory ?? join(parts.dataDirectory, 'catalog');
    this.#reading = reading;
    this.#primary = primary;
    this.#phase = phase;
  }

  /** On the folder itself: a new one, or one that needs no caution. */
  static async direct(parts: GuardParts): Promise<WriteGuard> {
    const handle = await parts.openLevel(parts.directory ?? join(parts.dataDirectory, 'catalog'));
    return new WriteGuard(parts, handle, handle, { kind: 'writable' });
  }

  /** On a copy: the folder itself stays as it is until `start`, or for good where it cannot be written. */
  static async onCopy(parts: GuardParts): Promise<WriteGuard> {
    const copy = copyCatalog(parts.dataDirectory);
    try {
      return new WriteGuard(parts, await parts.openLevel(copy), undefined, failed(new Error('EROFS'), 'readOnly', false));
    } catch (error) {
      removeCopy(copy);
      throw error;
    }
  }

  /** Opens the folder itself, once the copy has shown that all is well. @throws EngineError of what is in the way */
  async start(acknowledged: Head | undefined): Promise<void> {
    this.#acknowledged = acknowledged;
    await this.#tryAgain();
    const { trouble } = this;
    if (trouble !== undefined && trouble.error.code !== 'READ_ONLY') throw trouble.error;
  }

  /** From now on acknowledged commits are marked, and the disk and the lock are watched. @throws the system's error */
  watch(acknowledged: Head | undefined): void {
    this.#acknowledged = acknowledged;
    if (this.#phase.kind === 'writable') this.#mark();
    this.#isWatching = true;
    this.#tell();
    this.#reserve.fill();
    this.#timer = setInterval(() => void this.#look(), LIMITS.recoverEveryMs).unref();
  }

  /** Each change of the reason is told once. */
  #tell(): void {
    const { trouble } = this;
    if (!this.#isWatching || trouble?.error.code === this.#told) return;
    this.#told = trouble?.error.code;
    this.#parts.onTrouble?.(trouble);
  }

  #mark(): void {
    const acknowledged = this.#acknowledged ?? NOTHING_ACKNOWLEDGED;
    if (this.#watermark === undefined) this.#watermark = new Watermark(this.#parts.dataDirectory, acknowledged);
    else this.#watermark.write(acknowledged);
    this.#parts.lock?.holdHead();
  }

  get reading(): LevelHandle {
    if (this.#phase.kind === 'lost') throw this.#phase.error;
    return this.#reading;
  }

  /** Why nothing can be written; undefined where all is well. */
  get trouble(): WriteTrouble | undefined {
    if (this.#phase.kind !== 'writable') return this.#phase;
    return this.#lacksSpace ? { error: lacksSpace(), sinceMs: this.#lacksSinceMs } : undefined;
  }

  /** Whether the log may hold a batch that nobody was told is there. */
  get isUnresolved(): boolean {
    const phase = this.#phase;
    return phase.kind === 'lost' || phase.kind === 'damaged' || ((phase.kind === 'failed' || phase.kind === 'recovering') && !phase.isCut);
  }

  /** Whether a commit may be taken without asking `admit`. */
  get isWritable(): boolean {
    return this.#phase.kind === 'writable' && !this.#lacksSpace;
  }

  /**
   * To be asked before work for a commit is done. Where writing has stopped it is tried again at once, unless it just was.
   * `needed`: what frees space, or is for other reasons not to wait for it, is taken below the reserve too.
   * @throws EngineError STORAGE_FULL, READ_ONLY, OVERLOADED {retryAfterMs}, CORRUPT_DATA, SHUTTING_DOWN
   */
  async admit(needed = false): Promise<void> {
    const phase = this.#phase;
    if (phase.kind === 'recovering' || (phase.kind === 'failed' && Date.now() - phase.triedMs >= LIMITS.recoverPauseMs))
      await this.#tryAgain();
    if (this.#phase.kind !== 'writable') throw again(this.#phase.error);
    if (this.#lacksSpace && !needed) {
      this.#lacksSpace = missingSpaceNow(this.#parts.dataDirectory) > 0;
      if (this.#lacksSpace) throw lacksSpace();
    }
  }

  /** One write at a time: what waits behind one that fails must not reach LevelDB. @throws EngineError as admit */
  async write(puts: readonly SealedPut[], options: { readonly sync: boolean }): Promise<void> {
    await this.#inTurn(async (primary) => {
      try {
        await primary.write(puts, options);
      } catch (error) {
        throw this.#fail(error);
      }
    });
  }

  /** The commit point: one synced batch that has the head in it. Acknowledged once this resolves. @throws EngineError as admit */
  async commit(puts: readonly SealedPut[], head: Head): Promise<void> {
    await this.#inTurn(async (primary) => {
      try {
        await primary.write(puts, { sync: true }); // THE COMMIT POINT
        if (this.#parts.lock?.isHeld() === false) throw this.#lose();
        this.#watermark?.write(head);
      } catch (error) {
        throw error instanceof EngineError ? error : this.#fail(error);
      }
      this.#acknowledged = head;
    });
  }

  /** Ends writing for good: what is in memory is not to be trusted. All that was acknowledged is on disk. */
  halt(error: EngineError): void {
    const { kind } = this.#phase;
    if (kind !== 'writable' && kind !== 'failed' && kind !== 'recovering') return;
    this.#phase = { kind: 'halted', error, sinceMs: Date.now() };
    this.#tell();
  }

  /** Merges all tables. Others may write meanwhile. @throws EngineError as admit, also where the merge itself met trouble */
  async compact(start: Buffer, end: Buffer): Promise<void> {
    await this.admit(true);
    const primary = this.#writable();
    await primary.compact(start, end);
    await this.write([NOTHING], { sync: true });
  }

  #writable(): LevelHandle {
    if (this.#phase.kind !== 'writable') throw again(this.#phase.error);
    invariant(this.#primary !== undefined, 'a writable catalog is open');
    return this.#primary;
  }

  async #inTurn(work: (primary: LevelHandle) => Promise<void>): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    const done = work(this.#writable());
    this.#writing = done.then(nothing, nothing);
    try {
      await done;
    } finally {
      this.#writing = undefined;
    }
  }

  /** Ends writing, in the same turn in which the failure is known, and takes the batch off the log. */
  #fail(error: unknown): EngineError {
    const trouble = troubleOf(error) ?? 'device';
    this.#reserve.release();
    const phase = failed(error, trouble, this.#cut());
    this.#phase = phase;
    this.#tell();
    return phase.error;
  }

  #cut(): boolean {
    try {
      if (this.#parts.lock?.isHeld() === false || damagedLogs(this.#directory).damages.length > 0) return false;
      cutLogs(this.#directory, this.#acknowledged?.logIndex ?? 0);
      return true;
    } catch {
      return false;
    }
  }

  #lose(): EngineError {
    const error = directoryLost(this.#parts.dataDirectory);
    this.#phase = { kind: 'lost', error, sinceMs: Date.now() };
    this.#tell();
    // LevelDB tidies its folder by itself, which is another process's now.
    void this.#primary?.close();
    return error;
  }

  async #look(): Promise<void> {
    const phase = this.#phase;
    if (phase.kind === 'writable' || phase.kind === 'failed') {
      if (this.#parts.lock?.isHeld() === false) return void this.#lose();
    }
    if (phase.kind === 'failed' && Date.now() - phase.triedMs >= pauseAfter(phase.tries)) return this.#tryAgain();
    const lacksBefore = this.#lacksSpace;
    this.#lacksSpace = (await missingSpace(this.#parts.dataDirectory)) > 0;
    if (this.#lacksSpace && !lacksBefore) this.#lacksSinceMs = Date.now();
    this.#tell();
    if (this.#phase.kind === 'writable') this.#reserve.fill();
  }

  #tryAgain(): Promise<void> {
    this.#recovery ??= this.#recover().finally(() => {
      this.#recovery = undefined;
    });
    return this.#recovery;
  }

  async #recover(): Promise<void> {
    const before = this.#phase;
    if (before.kind !== 'failed') return;
    this.#phase = { ...before, kind: 'recovering' };
    try {
      await this.#reopen();
    } catch (error) {
      // The lock was lost, or the files are damaged: there is nothing to try again.
      if (this.#phase.kind !== 'recovering') return;
      const trouble = troubleOf(error) ?? (error instanceof EngineError && error.code === 'STORAGE_FULL' ? 'full' : 'device');
      const { isCut } = this.#phase;
      this.#phase = { ...failed(error, trouble, isCut), sinceMs: before.sinceMs, tries: before.tries + 1, triedMs: Date.now() };
    }
  }

  /** The steps from a failed write to the next one. Each may fail, and is taken again at the next try. */
  async #reopen(): Promise<void> {
    this.#reserve.release();
    if (this.#parts.lock?.isHeld() === false) throw this.#lose();
    accessSync(this.#parts.dataDirectory, constants.W_OK);
    if (this.#isWatching && missingSpaceNow(this.#parts.dataDirectory) > 0) throw lacksSpace();
    this.#parts.lock?.makeExclusive();
    mkdirSync(join(this.#parts.dataDirectory, 'tmp', 'spill'), { recursive: true });
    const [damage] = damagedLogs(this.#directory).damages;
    if (damage !== undefined) throw this.#damaged(damage.what);
    cutLogs(this.#directory, this.#acknowledged?.logIndex ?? 0);
    if (this.#phase.kind === 'recovering') this.#phase = { ...this.#phase, isCut: true };
    await this.#readFromCopy();
    const fresh = await this.#parts.openLevel(this.#directory);
    try {
      if (!this.#holdsAcknowledged(fresh)) throw this.#damaged('an acknowledged commit is not in it');
      await fresh.write([NOTHING], { sync: true });
      if (this.#parts.lock?.isHeld() === false) throw this.#lose();
      if (this.#isWatching) this.#mark();
    } catch (error) {
      await fresh.close();
      throw error;
    }
    const copy = this.#reading;
    this.#reading = fresh;
    this.#primary = fresh;
    // Writing may have been halted meanwhile: then only the reads move back.
    if (this.#phase.kind === 'recovering') this.#phase = { kind: 'writable' };
    this.#lacksSpace = false;
    this.#tell();
    await this.#removeCopy(copy);
    this.#reserve.fill();
  }

  /** Lets reads go on while the folder itself is closed. */
  async #readFromCopy(): Promise<void> {
    const primary = this.#primary;
    if (primary === undefined) return;
    const path = copyCatalog(this.#parts.dataDirectory);
    let copy: LevelHandle | undefined;
    try {
      copy = await this.#parts.openLevel(path);
      if (!this.#holdsAcknowledged(copy)) throw this.#damaged('an acknowledged commit is not in its files');
    } catch (error) {
      await copy?.close();
      removeCopy(path);
      throw error;
    }
    this.#reading = copy;
    this.#primary = undefined;
    await primary.close();
  }

  #holdsAcknowledged(handle: LevelHandle): boolean {
    const stored = handle.get(HEAD_KEY);
    const acknowledged = this.#acknowledged;
    if (stored === undefined || acknowledged === undefined) return stored === undefined && acknowledged === undefined;
    const head = decodeHead(stored);
    return head.logIndex === acknowledged.logIndex && head.hash.equals(acknowledged.hash);
  }

  #damaged(what: string): EngineError {
    const error = this.#parts.corrupt(what);
    this.#phase = { kind: 'damaged', error, sinceMs: Date.now() };
    this.#tell();
    return error;
  }

  async #removeCopy(copy: LevelHandle): Promise<void> {
    await copy.close();
    removeCopy(copy.directory);
  }

  /** Takes no more writes; `compactLog` moves all of LevelDB's log into its tables, so that the next open has nothing to replay. */
  async close(compactLog: boolean): Promise<void> {
    clearInterval(this.#timer);
    await this.#recovery;
    while (this.#writing !== undefined) await this.#writing;
    const isWritable = this.#phase.kind === 'writable';
    this.#phase = { kind: 'closed', error: new EngineError('SHUTTING_DOWN', 'the database is shutting down'), sinceMs: Date.now() };
    // Any range does: LevelDB empties its memory table first. This one holds no key.
    if (compactLog && isWritable) await this.#primary?.compact(Buffer.of(0xff), Buffer.of(0xff, 0xff));
    await this.#primary?.close();
    if (this.#reading !== this.#primary) await this.#removeCopy(this.#reading);
    this.#watermark?.close();
    this.#reserve.release();
  }
}

const nothing = (): void => {};
