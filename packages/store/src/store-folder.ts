/**
 * A store's entries as files named by address. A read is bounded in size, a write is atomic, and neither happens in a
 * folder that another user may write.
 */
import type * as NodeFileSystem from "node:fs/promises";
import type * as NodePath from "node:path";
import { ageMs, countToRemove, type StoreBackend, type StoredEntry } from "./store-backend.js";

export interface FolderTools {
  readonly fs: typeof NodeFileSystem;
  readonly path: typeof NodePath;
  /** `undefined` on Windows, which has no numeric user IDs. */
  readonly userId: number | undefined;
}

const entryName = /^[0-9a-f]{64}\.entry$/;
/** An entry, or the temporary file of an entry that is being written. */
const ownName = /^[0-9a-f]{64}\.entry(\.[0-9a-f-]{36})?$/;

const hourMs = 3_600_000;

export class StoreFolder implements StoreBackend {
  readonly directory: string;
  readonly #fs: FolderTools["fs"];
  readonly #path: FolderTools["path"];
  readonly #userId: number | undefined;

  constructor(directory: string, { fs, path, userId }: FolderTools) {
    this.directory = directory;
    this.#fs = fs;
    this.#path = path;
    this.#userId = userId;
  }

  /** @throws {Error} also if other users may write in the folder. A folder that does not exist has no entries. */
  async read(address: string, maxByteLength: number): Promise<StoredEntry | undefined> {
    if (!(await this.#isThere())) return undefined;
    const path = this.#pathOf(address);
    const found = await unlessAbsent(this.#fs.lstat(path));
    if (!found) return undefined;
    if (!found.isFile()) return { bytes: new Uint8Array(), usedMs: found.mtimeMs };
    // A link or a pipe may have replaced the file: the flags neither follow the one nor wait for the other. Windows has
    // neither.
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = this.#fs.constants;
    const file = await unlessAbsent(this.#fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (!file) return undefined;
    try {
      // Asked again: another process may have renamed another file to this path.
      const { size, mtimeMs: usedMs } = await file.stat();
      const bytes = new Uint8Array(size <= maxByteLength ? size : 0);
      let length = 0;
      for (let more = bytes.length; more > 0; length += more) {
        ({ bytesRead: more } = await file.read(bytes, length, bytes.length - length));
      }
      return { bytes, usedMs };
    } finally {
      await file.close();
    }
  }

  /** Writes a temporary file and renames it, so that a reader finds the old file or the new one, never a part. */
  async write(address: string, bytes: Uint8Array): Promise<void> {
    if (!(await this.#isThere())) {
      await this.#make(this.directory);
      await this.#isThere();
    }
    const path = this.#pathOf(address);
    const temporary = `${path}.${globalThis.crypto.randomUUID()}`;
    try {
      // Not synced: after a power failure the checksum finds an entry that was cut short, and it is made again.
      await this.#fs.writeFile(temporary, bytes, { flag: "wx", mode: 0o600 });
      await this.#fs.rename(temporary, path);
    } catch (error) {
      await this.#fs.rm(temporary, { force: true });
      throw error;
    }
  }

  async touch(address: string): Promise<void> {
    const now = new Date();
    await this.#fs.lutimes(this.#pathOf(address), now, now).catch(() => undefined);
  }

  /** Removes what is at `address`; a folder only if it is empty, because the store puts nothing in it. */
  async remove(address: string): Promise<void> {
    const path = this.#pathOf(address);
    const found = await unlessAbsent(this.#fs.lstat(path));
    if (found) await unlessAbsent(found.isDirectory() ? this.#fs.rmdir(path) : this.#fs.unlink(path));
  }

  /** The addresses of all entries. */
  async addresses(): Promise<string[]> {
    if (!(await this.#isThere())) return [];
    const names = (await this.#fs.readdir(this.directory)).filter((name) => entryName.test(name));
    return names.map((name) => name.slice(0, -".entry".length)).sort();
  }

  /** Also removes the temporary files of dead processes. Other files in the folder are not the store's and stay. */
  async trim(maxByteLength: number): Promise<number> {
    if (!(await this.#isThere())) return 0;
    const names = (await this.#fs.readdir(this.directory)).filter((name) => ownName.test(name));
    const entries: { readonly path: string; readonly byteLength: number; readonly usedMs: number }[] = [];
    const survey = async (name: string) => {
      const path = this.#path.join(this.directory, name);
      const found = await unlessAbsent(this.#fs.lstat(path));
      if (!found?.isFile()) return;
      if (entryName.test(name)) {
        entries.push({ path, byteLength: found.size, usedMs: found.mtimeMs });
      } else if (ageMs(found.mtimeMs) > hourMs) {
        await this.#unlink(path);
      }
    };
    for (let i = 0; i < names.length; i += 64) await Promise.all(names.slice(i, i + 64).map(survey));
    let removed = 0;
    const count = countToRemove(entries, maxByteLength);
    for (const { path } of entries.slice(0, count)) if (await this.#unlink(path)) removed++;
    return removed;
  }

  /**
   * Whether the folder exists. It may be a link: users move cache folders.
   * @throws {Error} if it is no folder, or other users may write in it.
   */
  async #isThere(): Promise<boolean> {
    const found = await unlessAbsent(this.#fs.stat(this.directory));
    if (!found) return false;
    if (!found.isDirectory()) {
      throw new Error(`The store needs a folder at ${this.directory}; there is something else.`);
    }
    if (this.#userId === undefined) return true;
    if (found.uid !== this.#userId || (found.mode & 0o022) !== 0) {
      const mode = (found.mode & 0o777).toString(8);
      const given = `${this.directory} belongs to user ${found.uid} and has mode ${mode}`;
      throw new Error(`The store needs a folder that only user ${this.#userId} may write; ${given}.`);
    }
    return true;
  }

  /**
   * Makes `directory` and its parents. Node's own `recursive` loops for ever, and keeps the process alive, in a folder
   * that says ENOENT for every new name, as `/proc` and automounters do.
   */
  async #make(directory: string): Promise<void> {
    const parent = this.#path.dirname(directory);
    if (!(await unlessAbsent(this.#fs.stat(parent))) && parent !== directory) await this.#make(parent);
    try {
      await this.#fs.mkdir(directory, { mode: 0o700 });
    } catch (error) {
      // Another process was first; `#isThere` checks that it made a folder.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }

  /** Whether this call removed the file. Another process may have been first or, on Windows, may be reading it. */
  async #unlink(path: string): Promise<boolean> {
    try {
      await this.#fs.unlink(path);
      return true;
    } catch {
      return false;
    }
  }

  #pathOf(address: string): string {
    return this.#path.join(this.directory, `${address}.entry`);
  }
}

async function unlessAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
