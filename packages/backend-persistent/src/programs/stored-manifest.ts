import type { JsonValue, Store } from "@kiln-gpu/store";
import { manifestVersion, programsOf, type WarmProgram } from "./manifest.js";
import { addressOf } from "./pipeline-cache.js";
import { maxPrograms, maxTextLength, type ProgramHistory } from "./program-history.js";

/** A program, and how many processes in a row have had no use for it. */
interface KeptProgram extends WarmProgram {
  readonly unusedStarts: number;
}

/** Runs that need something new come together; what they need is written once they are through. */
const writeAfterMs = 1000;
/** Of these processes one should have used what is worth compiling ahead. */
const maxUnusedStarts = 10;

/**
 * The manifest of a name in the store. Many processes may use one at once: whoever writes adds to what is there, and
 * lets go only what nobody has used for long. Where two write at the same time, one's additions are lost and come again
 * with its next start.
 */
export class StoredManifest {
  readonly #store: Store;
  readonly #key: readonly string[];
  readonly #history: ProgramHistory;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Whether what is kept has been told of this start. */
  #hasAged = false;
  #isClosed = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(store: Store, name: string, history: ProgramHistory) {
    this.#store = store;
    this.#key = [manifestVersion, name];
    this.#history = history;
    history.onChange = () => this.#writeLater();
  }

  /** What is to be compiled, as far as the store has it; never rejects. */
  async read(): Promise<readonly KeptProgram[]> {
    const kept = await this.#store.read("manifest", this.#key);
    try {
      return (programsOf(kept) ?? []).map((program, i) => {
        const { unusedStarts } = (kept as unknown as { programs: Partial<KeptProgram>[] }).programs[i]!;
        return { ...program, unusedStarts: typeof unusedStarts === "number" && unusedStarts > 0 ? unusedStarts : 0 };
      });
    } catch {
      // Not there, or of a foreign hand: the next write puts it right.
      return [];
    }
  }

  /** Writes what is new, and what was not used; resolves when it is on disk, or will not be. */
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
    const merged = new Map<string, KeptProgram>();
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
    // Most starts use what the one before them used.
    if (JSON.stringify(programs) === JSON.stringify(kept)) return;
    await this.#store.write("manifest", this.#key, { version: manifestVersion, programs } as unknown as JsonValue);
  }
}

function withinBounds(programs: readonly KeptProgram[]): KeptProgram[] {
  let textLength = 0;
  return programs.slice(0, maxPrograms).filter(({ wgsl }) => (textLength += wgsl.length) <= maxTextLength);
}
