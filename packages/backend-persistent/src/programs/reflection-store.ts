import type { StoredPrograms } from "@kiln-gpu/shader";
import { contentAddress } from "@kiln-gpu/shader-cache";
import type { JsonValue, Store } from "@kiln-gpu/store";

/** Keeps translated and reflected programs in the store. */
export class ReflectionStore implements StoredPrograms {
  readonly #store: Store;
  #found = 0;
  #saved: Promise<unknown> = Promise.resolve();

  constructor(store: Store) {
    this.#store = store;
  }

  /** How many programs `find` has found. */
  get found(): number {
    return this.#found;
  }

  async find<T>(request: object, check: (value: unknown) => T | undefined): Promise<T | undefined> {
    const address = await addressOf(request);
    const value = address === undefined ? undefined : check(await this.#store.read("program", address));
    if (value !== undefined) this.#found += 1;
    return value;
  }

  save(request: object, program: object): void {
    const saving = addressOf(request).then((address) =>
      address === undefined ? undefined : this.#store.write("program", address, program as JsonValue),
    );
    // `then` drops the values. Otherwise each promise would hold the one before it.
    this.#saved = Promise.all([this.#saved, saving]).then(() => undefined);
  }

  /** Resolves when every `save` so far has been written, or has failed. */
  async written(): Promise<void> {
    await this.#saved;
  }
}

/** `undefined` for a request that cannot be hashed: its values are invalid, and reading the program says how. */
function addressOf(request: object): Promise<string | undefined> {
  return contentAddress(request).catch(() => undefined);
}
