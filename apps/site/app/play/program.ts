/** What the playground runs: plain data, which links carry. */
import type { BindingInfo } from "@kiln-gpu/core/backend";

export interface Program {
  readonly v: 1;
  readonly wgsl: string;
  readonly entryPoint?: string;
  /** By the binding's name, what its field says: `1, 2, 3`, `ramp(10)`, a number, or JSON. */
  readonly inputs: { readonly [name: string]: string };
  /** By the binding's name, elements of the result; a binding that has none here and is written is also an input. */
  readonly outputs: { readonly [name: string]: number };
  readonly constants: { readonly [name: string]: string };
  /** `256`, or `640, 480`; empty for one thread for each element of the outputs. */
  readonly threads: string;
  readonly view: View;
}

export interface View {
  readonly tab: "table" | "plot" | "image";
  /** Of the image. */
  readonly width?: number;
  readonly pixels?: "grey" | "colors" | "rgba";
}

export interface EntryPoint {
  readonly name: string;
  readonly workgroupSize: readonly [number, number, number];
  readonly bindings: readonly BindingInfo[];
}

/** @throws {Error} if `value` is no program: it comes from a link. */
export function checkedProgram(value: unknown): Program {
  const { v, wgsl, entryPoint, inputs, outputs, constants, threads, view } = (value ?? {}) as Partial<Program>;
  const isText = (given: unknown): given is string => typeof given === "string";
  const isLength = (given: unknown): given is number => Number.isSafeInteger(given) && (given as number) > 0;
  if (v !== 1 || !isText(wgsl)) throw new Error("This link holds no shader of this playground.");
  return {
    v: 1,
    wgsl,
    ...(isText(entryPoint) && { entryPoint }),
    inputs: only(inputs, isText),
    outputs: only(outputs, isLength),
    constants: only(constants, isText),
    threads: isText(threads) ? threads : "",
    view: {
      tab: view?.tab === "plot" || view?.tab === "image" ? view.tab : "table",
      ...(isLength(view?.width) && { width: view.width }),
      ...((view?.pixels === "grey" || view?.pixels === "rgba" || view?.pixels === "colors") && {
        pixels: view.pixels,
      }),
    },
  };
}

function only<T>(given: unknown, isRight: (value: unknown) => value is T): Record<string, T> {
  if (typeof given !== "object" || given === null) return {};
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, T] => isRight(entry[1])));
}
