/**
 * The data files of a catalog: where they lie, that their bytes are the ones that were written (checked against their
 * SHA-256 at first use in a process), and their removal. Keeps invariant 6: a flipped byte is CORRUPT_DATA {file}.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogState } from '../catalog/state.ts';
import { tablesOf } from '../catalog/state.ts';
import { EngineError } from '../model/errors.ts';
import type { DataFile } from '../model/history.ts';
import type { TableId } from '../model/ids.ts';
import { storageError, troubleOf } from '../model/storage-error.ts';
import { hashFile, tableDirectory } from './parquet.ts';

export class DataFiles {
  readonly #dataDirectory: string;
  /** Files whose bytes were checked, or written, by this process. */
  readonly #checked = new Set<string>();
  readonly #checking = new Map<string, Promise<void>>();

  constructor(dataDirectory: string) {
    this.#dataDirectory = dataDirectory;
  }

  path(file: DataFile): string {
    return join(tableDirectory({ dataDirectory: this.#dataDirectory, tableId: file.tableId }), file.name);
  }

  /** Path relative to the data directory, for people and errors. */
  relativePath(file: DataFile): string {
    return `data/${file.tableId}/${file.name}`;
  }

  /** A file that this process just wrote and hashed. */
  written(name: string): void {
    this.#checked.add(name);
  }

  /** @throws EngineError CORRUPT_DATA {file} where a file is missing or its bytes are not the ones written */
  async ensureChecked(files: readonly DataFile[]): Promise<void> {
    const unchecked = files.filter((file) => !this.#checked.has(file.name));
    if (unchecked.length === 0) return;
    await Promise.all(unchecked.map((file) => this.#checkOnce(file)));
  }

  #checkOnce(file: DataFile): Promise<void> {
    let checking = this.#checking.get(file.name);
    if (checking === undefined) {
      checking = this.check(file).finally(() => this.#checking.delete(file.name));
      this.#checking.set(file.name, checking);
    }
    return checking;
  }

  /**
   * Work that reads files which its caller has pinned. Where it fails for no reason that it knows, they are looked at once more:
   * one that was damaged or removed since it was checked says more than DuckDB's error.
   * @throws EngineError CORRUPT_DATA {file} of the first that fails; the work's own error
   */
  async reading<T>(files: readonly DataFile[], work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    await this.ensureChecked(files);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof EngineError) && signal?.aborted !== true) for (const file of files) await this.check(file);
      throw error;
    }
  }

  /** Reads the file and compares its hash, whether or not it was checked before. */
  async check(file: DataFile): Promise<void> {
    this.#checked.delete(file.name);
    await this.#compare(file);
    this.#checked.add(file.name);
  }

  async #compare(file: DataFile): Promise<void> {
    const path = this.path(file);
    let sha256: string;
    try {
      const { size } = await stat(path);
      if (size !== file.sizeBytes) throw this.#corrupt(file, `it has ${size} bytes, ${file.sizeBytes} were written`);
      sha256 = await hashFile(path);
    } catch (error) {
      if (error instanceof EngineError) throw error;
      // That says nothing of the file.
      if (troubleOf(error) === 'descriptors') throw storageError(error, 'a data file cannot be read');
      throw this.#corrupt(file, `it cannot be read: ${(error as Error).message}`, error);
    }
    if (sha256 !== file.sha256) throw this.#corrupt(file, 'its bytes are not the ones that were written (SHA-256 differs)');
  }

  #corrupt(file: DataFile, what: string, cause?: unknown): EngineError {
    const path = this.relativePath(file);
    return new EngineError('CORRUPT_DATA', `${path}: ${what}`, {
      details: { file: path },
      hint: 'Restore this file from a backup; the catalog holds the size and SHA-256 it must have.',
      ...(cause === undefined ? {} : { cause }),
    });
  }

  /** A file that nothing names. */
  async removeNamed(tableId: TableId, name: string): Promise<void> {
    this.#checked.delete(name);
    await rm(join(tableDirectory({ dataDirectory: this.#dataDirectory, tableId }), name), { force: true });
  }

  async remove(file: DataFile): Promise<void> {
    this.#checked.delete(file.name);
    await rm(this.path(file), { force: true });
  }

  /** At start: empties tmp/, and removes files that no catalog entry names, staged by commits that never were. */
  static prepareDirectory(dataDirectory: string, state: CatalogState): { removed: string[] } {
    const tmp = join(dataDirectory, 'tmp');
    rmSync(tmp, { recursive: true, force: true });
    mkdirSync(join(tmp, 'spill'), { recursive: true });
    const data = join(dataDirectory, 'data');
    mkdirSync(data, { recursive: true });
    const named = new Set(tablesOf(state).flatMap((table) => table.files.map((file) => file.name)));
    const removed: string[] = [];
    for (const entry of readdirSync(data, { withFileTypes: true })) {
      if (!entry.isDirectory()) continue;
      const folder = entry.name;
      for (const name of readdirSync(join(data, folder))) {
        if (named.has(name) || !name.endsWith('.parquet')) continue;
        rmSync(join(data, folder, name));
        removed.push(`data/${folder}/${name}`);
      }
    }
    return { removed };
  }
}
