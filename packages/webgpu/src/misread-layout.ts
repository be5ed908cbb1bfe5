import { ComputeError } from "@kiln-gpu/core";
import type { ShaderInterface, TypeLayout } from "@kiln-gpu/core/backend";

/** Whether shaders are compiled by naga, as in Deno and Firefox. */
function isNaga(): boolean {
  const { navigator } = globalThis as { readonly navigator?: { readonly userAgent?: string } };
  return "Deno" in globalThis || /\bFirefox\//.test(navigator?.userAgent ?? "");
}

/**
 * Refuses a layout that the platform's shader compiler reads wrongly. naga mixes up the columns of a matrix of two rows
 * in a uniform buffer if the matrix is in a struct that is part of another type.
 * @param subject The start of the error's message: `Kernel "saxpy"`.
 * @throws {ComputeError} `unsupported-shader`, with the place of the matrix.
 */
export function refuseMisread(subject: string, { bindings }: Pick<ShaderInterface, "bindings">): void {
  if (!isNaga()) return;
  for (const { name, kind, layout } of bindings) {
    const path = kind === "uniform" ? twoRowMatrixIn(layout, name, false) : undefined;
    if (path === undefined) continue;
    throw new ComputeError(
      "unsupported-shader",
      `${subject} has the matrix of two rows ${path} in a uniform, which the WebGPU of Deno and Firefox reads wrongly. ` +
        `Bind "${name}" as var<storage, read>.`,
    );
  }
}

/** @param isInner Whether the type is part of another one. */
function twoRowMatrixIn(layout: TypeLayout, path: string, isInner: boolean): string | undefined {
  if (layout.kind === "array") return twoRowMatrixIn(layout.element, `${path}[]`, true);
  if (layout.kind !== "struct") return undefined;
  for (const { name, layout: member } of layout.members) {
    const at = `${path}.${name}`;
    const matrix = elementOf(member);
    if (isInner && matrix.kind === "matrix" && matrix.rows === 2) return at;
    const found = twoRowMatrixIn(member, at, true);
    if (found !== undefined) return found;
  }
  return undefined;
}

function elementOf(layout: TypeLayout): TypeLayout {
  return layout.kind === "array" ? elementOf(layout.element) : layout;
}
