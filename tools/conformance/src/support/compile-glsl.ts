import initGlslang from "@webgpu/glslang/dist/node-devel/glslang.js";

type Glslang = Awaited<ReturnType<typeof initGlslang>>;

let loading: Promise<Glslang> | undefined;

/** Compiles a compute shader to SPIR-V 1.0. */
export async function compileGlsl(body: string): Promise<Uint32Array> {
  loading ??= loadGlslang();
  return (await loading).compileGLSL(`#version 450\n${body}`, "compute", false, "1.0");
}

/**
 * The module is a thenable that resolves with itself, so awaiting it would never end; without `then` it is a plain
 * object.
 */
function loadGlslang(): Promise<Glslang> {
  return new Promise((resolve) => {
    initGlslang().then((glslang) => {
      delete (glslang as { then?: unknown }).then;
      resolve(glslang);
    });
  });
}
