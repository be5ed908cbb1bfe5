import type { TypeLayout } from "@kiln-gpu/core/backend";

/**
 * Why a uniform buffer cannot have this layout, as the end of a sentence; `undefined` if it can. WebGPU aligns the
 * arrays and structs of uniform buffers to 16 bytes.
 */
export function uniformProblem(layout: TypeLayout, path: string): string | undefined {
  if (layout.kind === "array") {
    if (layout.stride % 16 !== 0)
      return `the elements of ${path} are ${layout.stride} bytes apart, not a multiple of 16`;
    return uniformProblem(layout.element, `${path}[]`);
  }
  if (layout.kind !== "struct") return undefined;
  for (const [i, { name, offset, layout: member }] of layout.members.entries()) {
    const at = `${path}.${name}`;
    const isComposite = member.kind === "array" || member.kind === "struct";
    if (isComposite && offset % 16 !== 0) return `${at} is at byte ${offset}, not a multiple of 16`;
    const next = layout.members[i + 1];
    if (member.kind === "struct" && next && next.offset < offset + Math.ceil(member.byteLength / 16) * 16) {
      return `${path}.${next.name} follows ${at} in the same 16 bytes`;
    }
    const problem = uniformProblem(member, at);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
