/** Whether this is a page or a worker of one, where nothing but the browser's own WebGPU can be used. */
export function isInPage(): boolean {
  return (globalThis as { process?: { getBuiltinModule?: unknown } }).process?.getBuiltinModule === undefined;
}

/** Whether the platform has WebGPU built in, as browsers and Deno have. */
export function hasOwnWebGpu(): boolean {
  return ownWebGpu() !== undefined;
}

/** The WebGPU of a browser or of Deno. */
export function ownWebGpu(): GPU | undefined {
  return (globalThis as { navigator?: { gpu?: GPU } }).navigator?.gpu;
}

/**
 * Whether an adapter of Deno's is one over OpenGL, which places the members of structs wrongly: it ignores `@align` and
 * `@size`. Such an adapter has no device number. Those over Metal have none either, but macOS gives no other.
 */
export function isOpenGlOfDeno({ info }: GPUAdapter): boolean {
  const isDeno = "Deno" in globalThis;
  return isDeno && globalThis.process.platform !== "darwin" && info.device === "0";
}
