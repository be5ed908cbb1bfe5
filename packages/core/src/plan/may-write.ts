import type { Kernel } from "../kernel/kernel.js";
import type { ShaderInterface } from "../shader/shader-interface.js";

/**
 * Whether a run of `kernel` may write what it binds as `name`. It is asked before a run is planned, so where nothing is known the answer is yes: what
 * fails before it has written an array takes along the runs that were to read it.
 * @param interfaces Of the kernel's programs, once they are reflected.
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
  // Block comments may be nested; a text that has any is not looked into.
  if (wgsl.includes("/*")) return false;
  const declarations = [...wgsl.replace(/\/\/.*/g, "").matchAll(/\bvar\s*<([^>]*)>\s*([^\s:;=]+)/g)];
  const spaces = declarations
    .filter(([, , declared]) => declared === name)
    .map(([, space]) => space!.replace(/\s/g, ""));
  return spaces.length > 0 && spaces.every((space) => /^(uniform|storage|storage,read),?$/.test(space));
}
