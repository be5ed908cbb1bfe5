/** Rewrites a module for naga: what naga lacks, refuses or translates wrongly becomes instructions of the same meaning. */
import { writeComposites } from "./legalize-composites.js";
import { writeIntegers } from "./legalize-integers.js";
import type { SpirvModule } from "./module.js";
import { type Rewrite, rewriteSpirv } from "./rewriter.js";

const rewrites: readonly Rewrite[] = [writeComposites, writeIntegers];

export function legalizeSpirv(module: SpirvModule): SpirvModule {
  return rewriteSpirv(module, (instruction, to) => rewrites.some((write) => write(instruction, to)));
}
