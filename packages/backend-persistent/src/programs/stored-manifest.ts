import type { JsonValue, Store } from "@kiln-gpu/store";
import { manifestVersion, programsOf, type WarmProgram } from "./manifest.js";
import { addressOf } from "./pipeline-cache.js";
import { maxPrograms, maxTextLength, type ProgramHistory } from "./program-history.js";

/** A program, and how many processes in a row have not used it. */
interface ManifestEntry extends WarmProgram {
  readonly unusedStarts: number;
}

/** New programs tend to come together, so they are written once none has come for this long. */
const writeAfterMs = 1000;
/** A program that this many processes in a row have not used is removed. */
const maxUnusedStarts = 10;

/**
 * The manifest of a name in the store. Many processes may use one at once: each adds its programs to the stored ones,
 * and removes only those that no process has used for long. If two write at the same time, the additions of one are
 * lost until its next start.
 */
export class StoredManifest {
  readonly #store: Store;
  readonly #key: readonly string[];
  readonly #history: ProgramHistory;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether the stored entries have counted this start. */
  #hasAged = false;
  #isClosed = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(store: Store, name: string, history: ProgramHistory) {
    this.#store = store;
    this.#key = [manifestVersion, name];
    this.#history = history;
    history.onChange = () => this.#writeLater();
  }

  /** Resolves with the stored entries; never rejects. */
  async read(): Promise<readonly ManifestEntry[]> {
    const kept = await this.#store.read("manifest", this.#key);
    try {
      return (programsOf(kept) ?? []).map((program, i) => {
        const { unusedStarts } = (kept as unknown as { programs: Partial<ManifestEntry>[] }).programs[i]!;
        return { ...program, unusedStarts: typeof unusedStarts === "number" && unusedStarts > 0 ? unusedStarts : 0 };
      });
    } catch {
      // The entry is missing or damaged. The next write replaces it.
      return [];
    }
  }

  /** Writes the manifest a last time. Resolves when it is on disk, or the write has failed. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    await this.#write();
  }

  #writeLater(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#write(), writeAfterMs);
    (this.#timer as { unref?(): void }).unref?.();
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#merge());
    return this.#writing;
  }

  async #merge(): Promise<void> {
    const { used } = this.#history;
    const kept = await this.read();
    const merged = new Map<string, ManifestEntry>();
    for (const [address, program] of used) merged.set(address, { ...program, unusedStarts: 0 });
    for (const program of kept) {
      const address = await addressOf(program, "whole");
      const ours = merged.get(address);
      const unusedStarts = program.unusedStarts + (this.#hasAged ? 0 : 1);
      if (ours) merged.set(address, { ...ours, variants: [...new Set([...ours.variants, ...program.variants])] });
      else if (unusedStarts <= maxUnusedStarts) merged.set(address, { ...program, unusedStarts });
    }
    this.#hasAged = true;
    const programs = withinBounds([...merged.values()]);
    // Most processes use the same programs as the one before them.
    if (JSON.stringify(programs) === JSON.stringify(kept)) return;
    await this.#store.write("manifest", this.#key, { version: manifestVersion, programs } as unknown as JsonValue);
  }
}

function withinBounds(programs: readonly ManifestEntry[]): ManifestEntry[] {
  let textLength = 0;
  return programs.slice(0, maxPrograms).filter(({ wgsl }) => (textLength += wgsl.length) <= maxTextLength);
}
