/** What each page does: the README's example, SPIR-V, and a look at the state of WebGPU. It tells the console. */
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { output } from "@kiln-gpu/core";
import { fieldAddSpirv } from "@kiln-gpu/kernels";
import { checkWebGpu } from "@kiln-gpu/webgpu";

/** @param example Runs the example. */
export async function work(example, options = {}) {
  try {
    const { state, error } = await checkWebGpu();
    console.log(state);
    if (error) throw error;
    await example();
    const gpu = await openPersistentBackend({ ...options, store: false });
    const [a, b] = [new Float32Array([1, 2]), new Float32Array([3, 4])];
    const { c } = await gpu.run(fieldAddSpirv, { a, b, c: output(Float32Array, 2) });
    await gpu.dispose();
    console.log(c);
    console.log("end");
  } catch (error) {
    console.log(String(error));
    console.log("end");
  }
}
