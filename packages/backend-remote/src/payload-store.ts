import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * Keeps large inputs and results outside Redis. Clients and workers must reach the same one. A store on S3 is three
 * calls of its client.
 */
export interface PayloadStore {
  /** Keeps `bytes` under `key`, a name of printable ASCII. Writing the same key again is allowed. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** Resolves with the bytes, or `undefined` if there are none. */
  get(key: string): Promise<Uint8Array | undefined>;
  delete(key: string): Promise<void>;
}

/** A folder that clients and workers share, for instance over NFS. */
export function folderStore(folder: string): PayloadStore {
  const pathOf = (key: string) => join(folder, encodeURIComponent(key));
  return {
    async put(key, bytes) {
      await mkdir(folder, { recursive: true });
      const path = pathOf(key);
      const partial = `${path}.${randomUUID()}.partial`;
      try {
        await writeFile(partial, bytes);
        await rename(partial, path);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
    },
    async get(key) {
      try {
        return await readFile(pathOf(key));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    async delete(key) {
      await rm(pathOf(key), { force: true });
    },
  };
}
