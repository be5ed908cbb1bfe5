import type { Variant, WarmProgram } from "./manifest.js";

/** The bounds of a manifest: more programs, or more characters of text, are not worth compiling ahead. */
export const maxPrograms = 256;
export const maxTextLength = 2 ** 20;

/** The programs that runs have used last, on all devices of a backend, within the bounds of a manifest. */
export class ProgramHistory {
  /** Called when a program or a variant is added. */
  onChange: (() => void) | undefined;
  /** By the address of the `whole` variant, the oldest first. */
  readonly #used = new Map<string, WarmProgram>();
  #textLength = 0;

  add(address: string, program: Omit<WarmProgram, "variants">, variant: Variant): void {
    const known = this.#used.get(address);
    if (known?.variants.includes(variant)) return;
    const { label, wgsl, interface: shader, constants } = program;
    if (wgsl.length > maxTextLength) return;
    this.#used.delete(address);
    // The members have the order in which a manifest is read, so that equal programs are equal as JSON.
    const variants = [...(known?.variants ?? []), variant];
    this.#used.set(address, { wgsl, interface: shader, constants, label, variants });
    if (!known) this.#textLength += wgsl.length;
    for (const [oldest, { wgsl: text }] of this.#used) {
      if (this.#used.size <= maxPrograms && this.#textLength <= maxTextLength) break;
      this.#used.delete(oldest);
      this.#textLength -= text.length;
    }
    this.onChange?.();
  }

  /** By address, the latest first. */
  get used(): ReadonlyMap<string, WarmProgram> {
    return new Map([...this.#used].reverse());
  }
}
