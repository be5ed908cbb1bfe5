import type { KeptPrograms } from "@kiln-gpu/shader";
import { contentAddress } from "@kiln-gpu/shader-cache";
import type { JsonValue, Store } from "@kiln-gpu/store";

/** The programs that are translated and reflected, in the store. */
export class ReflectionStore implements KeptPrograms {
  readonly #store: Store;
  #found = 0;
  #kept: Promise<unknown> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  /** How many programs were found. */
  get found(): number {
    return this.#found;
  }

  async find<T>(request: object, check: (value: unknown) => T | undefined): Promise<T | undefined> {
    const address = await addressOf(request);
    const value = address === undefined ? undefined : check(await this.#store.read("program", address));
    if (value !== undefined) this.#found += 1;
    return value;
  }

  keep(request: object, program: object): void {
    const keeping = addressOf(request).then((address) =>
      address === undefined ? undefined : this.#store.write("program", address, program as JsonValue),
    );
    // Without their values: each would refer to the one before it.
    this.#kept = Promise.all([this.#kept, keeping]).then(() => undefined);
  }

  /** Resolves when what was given to `keep` until now is on disk, or will not be. */
  async written(): Promise<void> {
    await this.#kept;
  }
}

/** A request of values that no program is made of has none: whoever reads that program says what is wrong with it. */
function addressOf(request: object): Promise<string | undefined> {
  return contentAddress(request).catch(() => undefined);
}
