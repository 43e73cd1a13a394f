/**
 * Who has a data directory open: a lock that the kernel drops with its holder, so that nothing is ever concluded from a
 * process id. It is taken before anything in the directory is read or changed.
 *
 * Two files are locked, LOCK and HEAD: whoever removes the one under a running process still leaves it the other. Where both
 * are gone, another process may have the directory, and this one must not acknowledge a commit any more: `isHeld` is asked
 * between the write of a commit and its acknowledgement.
 */
import { closeSync, constants, fstatSync, ftruncateSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from 'fs-native-extensions';
import { EngineError } from '../model/errors.ts';
import { WATERMARK_FILE } from './watermark.ts';

const LOCK_FILE = 'LOCK';

/** Who wrote LOCK last, which may have ended since: information for people. */
interface Holder {
  readonly pid: number;
  readonly startedAt: string;
}

/** A file that is locked, and which one it is: its path may come to lead to another. */
class LockedFile {
  readonly #path: string;
  readonly descriptor: number;
  readonly #inode: number;

  private constructor(path: string, descriptor: number) {
    this.#path = path;
    this.descriptor = descriptor;
    this.#inode = fstatSync(descriptor).ino;
  }

  /** @returns undefined where another has it */
  static lock(path: string, { shared, create }: { readonly shared: boolean; readonly create: boolean }): LockedFile | undefined {
    for (;;) {
      const descriptor = openSync(path, shared ? constants.O_RDONLY : constants.O_RDWR | (create ? constants.O_CREAT : 0), 0o644);
      try {
        if (!tryLock(descriptor, { shared })) {
          closeSync(descriptor);
          return undefined;
        }
        const file = new LockedFile(path, descriptor);
        // Whoever held it may have removed the file between the opening and the lock.
        if (file.isInPlace()) return file;
        closeSync(descriptor);
      } catch (error) {
        closeSync(descriptor);
        throw error;
      }
    }
  }

  isInPlace(): boolean {
    return statSync(this.#path, { throwIfNoEntry: false })?.ino === this.#inode;
  }
}

export class DirectoryLock {
  readonly #directory: string;
  #isShared: boolean;
  #lock: LockedFile | undefined;
  #head: LockedFile | undefined;

  private constructor(directory: string, isShared: boolean) {
    this.#directory = directory;
    this.#isShared = isShared;
  }

  /**
   * Takes the directory for this process: alone, or, to read from a directory that cannot be written, beside other readers.
   * @throws EngineError DIRECTORY_IN_USE {pid}; the system's error where LOCK cannot be made
   */
  static take(directory: string, { shared }: { readonly shared: boolean }): DirectoryLock {
    const lock = new DirectoryLock(directory, shared);
    try {
      lock.#lock = lock.#take(LOCK_FILE, !shared);
      lock.holdHead();
    } catch (error) {
      lock.#close();
      throw error;
    }
    if (!shared) lock.#writeHolder();
    return lock;
  }

  /**
   * From beside other readers to alone, once the directory can be written.
   * @throws EngineError DIRECTORY_IN_USE; the system's error where LOCK cannot be made
   */
  makeExclusive(): void {
    if (!this.#isShared) return;
    const lock = LockedFile.lock(join(this.#directory, LOCK_FILE), { shared: false, create: true });
    if (lock === undefined) throw inUse(readHolder(this.#directory));
    this.#close();
    this.#isShared = false;
    this.#lock = lock;
    try {
      this.holdHead();
    } catch (error) {
      this.#close();
      this.#isShared = true;
      throw error;
    }
    this.#writeHolder();
  }

  /** Holds HEAD too, once there is one. @throws EngineError DIRECTORY_IN_USE */
  holdHead(): void {
    this.#head ??= this.#take(WATERMARK_FILE, false);
  }

  #take(name: string, create: boolean): LockedFile | undefined {
    try {
      const file = LockedFile.lock(join(this.#directory, name), { shared: this.#isShared, create });
      if (file === undefined) throw inUse(readHolder(this.#directory));
      return file;
    } catch (error) {
      if (!create && (error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  }

  /**
   * Whether no other process can have the directory. Where LOCK was removed it is made again.
   * It takes one or two microseconds, so it may be asked for each round of commits.
   */
  isHeld(): boolean {
    if (this.#lock?.isInPlace() === true) return true;
    if (this.#isShared) return true;
    if (this.#head?.isInPlace() !== true) return false;
    // Whoever made another LOCK meanwhile is refused by HEAD, and lets go of it again.
    try {
      const lock = LockedFile.lock(join(this.#directory, LOCK_FILE), { shared: false, create: true });
      if (lock === undefined) return true;
      if (this.#lock !== undefined) closeSync(this.#lock.descriptor);
      this.#lock = lock;
      this.#writeHolder();
    } catch {
      // HEAD is held; the next question tries again.
    }
    return true;
  }

  /** What stands in the file helps people, and decides nothing: a full disk may keep it empty. */
  #writeHolder(): void {
    if (this.#lock === undefined) return;
    const holder: Holder = { pid: process.pid, startedAt: new Date().toISOString() };
    try {
      ftruncateSync(this.#lock.descriptor, 0);
      writeSync(this.#lock.descriptor, `${JSON.stringify(holder)}\n`, 0);
    } catch {}
  }

  #close(): void {
    for (const file of [this.#head, this.#lock]) if (file !== undefined) closeSync(file.descriptor);
    this.#head = undefined;
    this.#lock = undefined;
  }

  /** Gives the directory back. Idempotent. */
  release(): void {
    if (!this.#isShared && this.#lock?.isInPlace() === true) rmSync(join(this.#directory, LOCK_FILE), { force: true });
    this.#close();
  }
}

function readHolder(directory: string): Holder | undefined {
  try {
    const holder = JSON.parse(readFileSync(join(directory, LOCK_FILE), 'utf8')) as Partial<Holder>;
    return typeof holder.pid === 'number' ? { pid: holder.pid, startedAt: String(holder.startedAt) } : undefined;
  } catch {
    return undefined;
  }
}

export function inUse(holder: Holder | undefined, cause?: unknown): EngineError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid}, started ${holder.startedAt}`;
  return new EngineError('DIRECTORY_IN_USE', `the data directory is in use by ${who}`, {
    details: holder === undefined ? {} : { ...holder },
    hint: 'Stop that process, or choose another directory with --data.',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What a process is told that has lost its data directory to another, or to a removal. */
export function directoryLost(directory: string): EngineError {
  return new EngineError('SHUTTING_DOWN', `the data directory ${directory} was removed or taken over under this process`, {
    hint: 'Start Tidemark again, and never remove LOCK or HEAD while it runs.',
  });
}
