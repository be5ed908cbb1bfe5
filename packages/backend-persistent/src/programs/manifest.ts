/**
 * What is in a manifest, which may come from anywhere: each program is compiled under the address of its own content,
 * so it can stand for no other.
 */
import { ComputeError, type Manifest } from "@kiln-gpu/core";
import type { ProgramVariant } from "@kiln-gpu/core/backend";
import { checkedProgram, type LoadedProgram, translator } from "@kiln-gpu/shader";

/** The ways in which a program is compiled, by name. */
export const variantNames = ["whole", "split", "whole, immediate", "split, immediate"] as const;

export type Variant = (typeof variantNames)[number];

type Flags = Pick<ProgramVariant, "split" | "immediate">;

export function nameOf({ split, immediate }: Flags): Variant {
  if (immediate) return split ? "split, immediate" : "whole, immediate";
  return split ? "split" : "whole";
}

export function flagsOf(variant: Variant): Flags {
  return { split: variant.startsWith("split"), immediate: variant.endsWith("immediate") };
}

/** What a device is given of a program, and for whom it was compiled first. */
export interface WarmProgram extends Pick<LoadedProgram, "wgsl" | "interface" | "constants"> {
  readonly label: string;
  readonly variants: readonly Variant[];
}

/** What is compiled of a manifest's program must be what a run would compile. */
export const manifestVersion = `kiln-manifest 2, ${translator}`;

/**
 * The programs of `manifest`; `undefined` for a manifest of another version.
 * @throws {ComputeError} `invalid-option` for what is no manifest.
 */
export function programsOf(manifest: unknown): WarmProgram[] | undefined {
  const { version, programs } = plainOf(manifest);
  if (typeof version !== "string" || !Array.isArray(programs)) throw noManifest("what is no manifest");
  if (version !== manifestVersion) return undefined;
  return programs.map((program: unknown, i) => {
    const checked = checkedProgram(program);
    const { label, variants } = (program ?? {}) as Partial<WarmProgram>;
    if (checked && typeof label === "string" && Array.isArray(variants) && variants.every(isVariant)) {
      return { ...checked, label, variants: [...new Set(variants)] };
    }
    throw noManifest(`a manifest whose program ${i} is none`);
  });
}

/** What JSON makes of `manifest`: nothing in it changes any more, and nothing in it is more than a value. */
function plainOf(manifest: unknown): Partial<Manifest> {
  try {
    return (JSON.parse(JSON.stringify(manifest)) ?? {}) as Partial<Manifest>;
  } catch {
    return {};
  }
}

function noManifest(given: string): ComputeError {
  return new ComputeError(
    "invalid-option",
    `A warm-up is given ${given}; expected is what \`manifest()\` gave, or JSON of it.`,
  );
}

function isVariant(value: unknown): value is Variant {
  return variantNames.includes(value as Variant);
}
