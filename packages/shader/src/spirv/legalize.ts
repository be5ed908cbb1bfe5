/** Rewrites a module for naga: what naga lacks, refuses or translates wrongly becomes instructions of the same meaning. */
import { copyOperands } from "./copy-operands.js";
import { writeComposites } from "./legalize-composites.js";
import { writeIntegers } from "./legalize-integers.js";
import type { SpirvModule } from "./module.js";
import { type Rewrite, rewriteSpirv } from "./rewriter.js";

export function legalizeSpirv(module: SpirvModule): SpirvModule {
  const rewrites: readonly Rewrite[] = [copyOperands(), writeComposites, writeIntegers];
  return rewriteSpirv(module, (instruction, to) => rewrites.some((write) => write(instruction, to)));
}
