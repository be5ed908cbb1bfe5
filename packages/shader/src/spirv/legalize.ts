/**
 * Rewrites a module for naga: what naga lacks, refuses or translates wrongly becomes instructions of the same meaning.
 */
import { copyOperands } from "./copy-operands.js";
import { declareBallotBuiltins, writeBallots } from "./legalize-ballots.js";
import { writeComposites } from "./legalize-composites.js";
import { writeFloats } from "./legalize-floats.js";
import { writeIntegers } from "./legalize-integers.js";
import { writeSubgroups } from "./legalize-subgroups.js";
import { localizeVariables } from "./localize-variables.js";
import type { SpirvModule } from "./module.js";
import { type Rewrite, rewriteSpirv } from "./rewriter.js";
import { computeAtRunTime } from "./runtime-constants.js";
import { splitAtomics } from "./split-atomics.js";

export function legalizeSpirv(module: SpirvModule): SpirvModule {
  const rewrites: readonly Rewrite[] = [
    writeBallots,
    writeSubgroups,
    copyOperands(),
    writeComposites,
    writeFloats,
    writeIntegers,
  ];
  return rewriteSpirv(
    splitAtomics(computeAtRunTime(localizeVariables(declareBallotBuiltins(module)))),
    (instruction, to) => rewrites.some((write) => write(instruction, to)),
  );
}
