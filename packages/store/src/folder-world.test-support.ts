import { lstatSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openStore } from "./open-store.js";
import { temporaryFolder } from "./store.test-support.js";
import type { StoreWorld } from "./store-suite.test-support.js";

export class FolderWorld implements StoreWorld {
  readonly directory = join(temporaryFolder(), "store");

  open(options: { readonly maxBytes?: number } = {}) {
    return openStore({ directory: this.directory, ...options });
  }

  async look() {
    const found = new Map<string, { usedMs: number; byteLength: number }>();
    if (!lstatSync(this.directory, { throwIfNoEntry: false })) return found;
    for (const name of readdirSync(this.directory)) {
      if (!/^[0-9a-f]{64}\.entry$/.test(name)) throw new Error(`A file is left: ${name}.`);
      const { mtimeMs, size } = lstatSync(join(this.directory, name));
      found.set(name.slice(0, 64), { usedMs: mtimeMs, byteLength: size });
    }
    return found;
  }

  async readBytes(address: string) {
    return new Uint8Array(readFileSync(this.#pathOf(address)));
  }

  async put(address: string, bytes: Uint8Array, usedMs: number) {
    writeFileSync(this.#pathOf(address), bytes);
    await this.setUsed(address, usedMs);
  }

  async setUsed(address: string, usedMs: number) {
    utimesSync(this.#pathOf(address), usedMs / 1000, usedMs / 1000);
  }

  async remove(address: string) {
    rmSync(this.#pathOf(address));
  }

  #pathOf(address: string): string {
    return join(this.directory, `${address}.entry`);
  }
}
