/**
 * The content of a manifest, which may come from anywhere. Each program is compiled under the address of its own
 * content, so it cannot replace another.
 */
import { ComputeError, type Manifest } from "@kiln-gpu/core";
import { describeValue, type ProgramVariant } from "@kiln-gpu/core/backend";
import { checkedProgram, type LoadedProgram, translator } from "@kiln-gpu/shader";

/** The names of the variants that a program is compiled as. */
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

/** A program as a manifest lists it. */
export interface WarmProgram extends Pick<LoadedProgram, "wgsl" | "interface" | "constants"> {
  /** The label of the kernel that it was first compiled for. */
  readonly label: string;
  readonly variants: readonly Variant[];
}

/** Names the translator too, because a warm-up must compile exactly what a run would compile. */
export const manifestVersion = `kiln-manifest 2, ${translator}`;

/**
 * Returns the programs of `manifest`, or `undefined` if it is of another version.
 * @throws {ComputeError} `invalid-option` if it is not a manifest.
 */
export function programsOf(manifest: unknown): WarmProgram[] | undefined {
  const { version, programs } = plainOf(manifest);
  if (typeof version !== "string" || !Array.isArray(programs)) throw noManifest(describeValue(manifest));
  if (version !== manifestVersion) return undefined;
  return programs.map((program: unknown, i) => {
    const checked = checkedProgram(program);
    const { label, variants } = (program ?? {}) as Partial<WarmProgram>;
    if (checked && typeof label === "string" && Array.isArray(variants) && variants.every(isVariant)) {
      return { ...checked, label, variants: [...new Set(variants)] };
    }
    throw noManifest(`one whose program ${i} is invalid`);
  });
}

/** Copies `manifest` through JSON: the copy cannot change later, and holds nothing but plain values. */
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
    `warmUp: "manifest" must be what \`manifest()\` returned, or a copy of it through JSON; got ${given}.`,
  );
}

function isVariant(value: unknown): value is Variant {
  return variantNames.includes(value as Variant);
}
