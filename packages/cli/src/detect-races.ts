/** The thread in which `check/find-races.ts` has `wgsl_reflect` look for races. */
import { parentPort, workerData } from "node:worker_threads";
// The package's main file does not load in Node.
import { detectRaces } from "wgsl_reflect/wgsl_reflect.module.js";

export interface Race {
  /** The variable in workgroup memory. */
  readonly variable: string;
  /** The two uses by different threads, first the one that comes first in the text. */
  readonly uses: readonly [Use, Use];
}

export interface Use {
  readonly kind: "read" | "write";
  /** Counted from 1, in the text that the device compiles. */
  readonly line: number;
}

export interface RaceRequest {
  readonly wgsl: string;
  readonly entryPoint: string;
  readonly bindings: readonly {
    readonly group: number;
    readonly binding: number;
    readonly kind: "storage" | "uniform";
    readonly bytes: Uint8Array;
  }[];
  readonly constants: Readonly<Record<string, number>>;
}

export type RaceAnswer = { readonly races: readonly Race[] } | { readonly problem: string };

function answer({ wgsl, entryPoint, bindings, constants }: RaceRequest): RaceAnswer {
  const groups: Record<string, Record<string, unknown>> = {};
  for (const { group, binding, kind, bytes } of bindings) {
    groups[group] = { ...groups[group], [binding]: kind === "uniform" ? { uniform: bytes } : bytes };
  }
  try {
    const { races, errors } = detectRaces(wgsl, entryPoint, [1, 1, 1], groups, { constants });
    if (errors.length > 0) return { problem: errors[0]! };
    return {
      races: races.map(({ bufferId, a, b }) => ({
        variable: bufferId,
        uses: [
          { kind: a.kind, line: a.line },
          { kind: b.kind, line: b.line },
        ],
      })),
    };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

parentPort!.postMessage(answer(workerData as RaceRequest));
