import type { Kernel } from "../kernel/kernel.js";
import type { ShaderInterface } from "../shader/shader-interface.js";

/**
 * Whether a run of `kernel` may write what it binds as `name`. It is asked before the run is planned. If nothing is
 * known the answer is yes, because a run that fails before it has written an array must fail the runs that were to read
 * it.
 * @param interfaces The interfaces of the kernel's programs, once they are reflected.
 */
export function mayWrite(
  { isSinglePass, programs }: Kernel,
  interfaces: { readonly [program: string]: ShaderInterface } | undefined,
  name: string,
): boolean {
  // The names of a kernel of several passes stand for what its passes say, and those may depend on the bindings.
  if (!isSinglePass) return true;
  if (interfaces) return interfaces.main!.bindings.some((info) => info.name === name && info.access === "read-write");
  const { wgsl } = programs.main!;
  return wgsl === undefined || !isDeclaredReadOnly(wgsl, name);
}

/** Whether a WGSL text, which may not even compile, declares `name` as a buffer that is only read. */
function isDeclaredReadOnly(wgsl: string, name: string): boolean {
  // Block comments may nest; a text that has any is not searched.
  if (wgsl.includes("/*")) return false;
  const declarations = [...wgsl.replace(/\/\/.*/g, "").matchAll(/\bvar\s*<([^>]*)>\s*([^\s:;=]+)/g)];
  const spaces = declarations
    .filter(([, , declared]) => declared === name)
    .map(([, space]) => space!.replace(/\s/g, ""));
  return spaces.length > 0 && spaces.every((space) => /^(uniform|storage|storage,read),?$/.test(space));
}
