/**
 * The files of a store, by address: each is read within a bound, written at once or not at all, and only in a folder of this user's own.
 */
import type * as NodeFileSystem from "node:fs/promises";
import type * as NodePath from "node:path";
import { ageMs, countToRemove, type StoreBackend, type StoredEntry } from "./store-backend.js";

export interface FolderTools {
  readonly fs: typeof NodeFileSystem;
  readonly path: typeof NodePath;
  /** `undefined` on Windows, where a file's owner is not told by a number. */
  readonly userId: number | undefined;
}

const entryName = /^[0-9a-f]{64}\.entry$/;
/** An entry, or the temporary file of one that is being written. */
const ownName = /^[0-9a-f]{64}\.entry(\.[0-9a-f-]{36})?$/;

const hourMs = 3_600_000;

export class StoreFolder implements StoreBackend {
  readonly #directory: string;
  readonly #fs: FolderTools["fs"];
  readonly #path: FolderTools["path"];
  readonly #userId: number | undefined;

  constructor(directory: string, { fs, path, userId }: FolderTools) {
    this.#directory = directory;
    this.#fs = fs;
    this.#path = path;
    this.#userId = userId;
  }

  /** @throws also if others may write in the folder; one that is not there has no entries. */
  async read(address: string, maxByteLength: number): Promise<StoredEntry | undefined> {
    if (!(await this.#isThere())) return undefined;
    const path = this.#pathOf(address);
    const found = await unlessAbsent(this.#fs.lstat(path));
    if (!found) return undefined;
    if (!found.isFile()) return { bytes: new Uint8Array(), usedMs: found.mtimeMs };
    // Should a link or a pipe have come since: neither is followed or waited for. Windows has neither flag.
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = this.#fs.constants;
    const file = await unlessAbsent(this.#fs.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    if (!file) return undefined;
    try {
      // Asked again: the path may be another file by now, one that another process has renamed to here.
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

  /** Puts `bytes` at `address` by a rename, so that who reads finds the old file or the new one, never a part. */
  async write(address: string, bytes: Uint8Array): Promise<void> {
    if (!(await this.#isThere())) {
      await this.#make(this.#directory);
      await this.#isThere();
    }
    const path = this.#pathOf(address);
    const temporary = `${path}.${globalThis.crypto.randomUUID()}`;
    try {
      // Not synced: an entry that a power failure cuts short is found by its checksum, and made again.
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

  /** Removes what is at `address`; a folder only if it is empty, for nothing of ours is in it. */
  async remove(address: string): Promise<void> {
    const path = this.#pathOf(address);
    const found = await unlessAbsent(this.#fs.lstat(path));
    if (found) await unlessAbsent(found.isDirectory() ? this.#fs.rmdir(path) : this.#fs.unlink(path));
  }

  /** Removes the temporary files that a dead process has left, too. All else in the folder is not ours and stays. */
  async trim(maxByteLength: number): Promise<number> {
    if (!(await this.#isThere())) return 0;
    const names = (await this.#fs.readdir(this.#directory)).filter((name) => ownName.test(name));
    const entries: { readonly path: string; readonly byteLength: number; readonly usedMs: number }[] = [];
    const survey = async (name: string) => {
      const path = this.#path.join(this.#directory, name);
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

  /** Whether the folder is there; it may be a link, for a user may have moved it. */
  async #isThere(): Promise<boolean> {
    const found = await unlessAbsent(this.#fs.stat(this.#directory));
    if (!found) return false;
    if (!found.isDirectory()) {
      throw new Error(`The store needs a folder at ${this.#directory}, which is something else.`);
    }
    if (this.#userId === undefined) return true;
    if (found.uid !== this.#userId || (found.mode & 0o022) !== 0) {
      const mode = (found.mode & 0o777).toString(8);
      throw new Error(
        `The store needs a folder that only user ${this.#userId} may write; ${this.#directory} is of user ${found.uid}, with mode ${mode}.`,
      );
    }
    return true;
  }

  /**
   * Makes `directory` and what it lies in. Node's own `recursive` tries for ever, and keeps the process from its end, where a folder that is
   * there says of every folder in it that it is absent, as `/proc` and automounters do.
   */
  async #make(directory: string): Promise<void> {
    const parent = this.#path.dirname(directory);
    if (!(await unlessAbsent(this.#fs.stat(parent))) && parent !== directory) await this.#make(parent);
    try {
      await this.#fs.mkdir(directory, { mode: 0o700 });
    } catch (error) {
      // Another process was first; `#isThere` says whether that is a folder.
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }

  /** Whether the file went by this call; another process may have been first, or, on Windows, may be reading it. */
  async #unlink(path: string): Promise<boolean> {
    try {
      await this.#fs.unlink(path);
      return true;
    } catch {
      return false;
    }
  }

  #pathOf(address: string): string {
    return this.#path.join(this.#directory, `${address}.entry`);
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
