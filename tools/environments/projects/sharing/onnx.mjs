/** Kiln and ONNX Runtime Web work on each other's buffers, on ONNX Runtime's device. */
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { saxpy } from "@kiln-gpu/kernels";
import { env, InferenceSession, Tensor } from "onnxruntime-web/webgpu";
import { share } from "./share.mjs";

/** The ONNX model `c = a + b` on vectors of f32. */
const addition =
  "CAg6SwoOCgFhCgFiEgFjIgNBZGQSA0FkZFoQCgFhEgsKCQgBEgUKAxIBbloQCgFiEgsKCQgBEgUKAxIBbmIQCgFjEgsKCQgBEgUKAxIBbkICEBE=";

share(async () => {
  env.wasm.numThreads = 1;
  const session = await InferenceSession.create(
    Uint8Array.from(atob(addition), (char) => char.charCodeAt(0)),
    {
      executionProviders: ["webgpu"],
      preferredOutputLocation: "gpu-buffer",
      // Otherwise it might silently add on the CPU.
      extra: { session: { disable_cpu_ep_fallback: "1" } },
    },
  );
  const gpu = await openPersistentBackend({ device: await env.webgpu.device, store: false });
  const [x, y] = await Promise.all(
    [
      [1, 2, 3, 4],
      [10, 20, 30, 40],
    ].map((each) => gpu.array(new Float32Array(each))),
  );
  const options = { dataType: "float32", dims: [4] };
  return async () => {
    const run = gpu.run(saxpy, { alpha: 2, x, y }); // y: 12, 24, 36, 48
    // Their model reads our array, in the order of our calls.
    const inferred = y.use(
      async (buffer) => {
        const a = Tensor.fromGpuBuffer(buffer, options);
        return (await session.run({ a, b: a })).c; // 24, 48, 72, 96
      },
      { access: "read" },
    );
    const after = gpu.run(saxpy, { alpha: 1000, x, y });
    const c = await inferred;
    await Promise.all([run, after]);
    // Our kernel works in place on their tensor, and their model reads what it has written.
    const sum = await gpu.adopt(c.gpuBuffer, Float32Array, { length: 4 });
    await gpu.run(saxpy, { alpha: 1, x, y: sum }); // 25, 50, 75, 100
    const last = (await session.run({ a: c, b: c })).c; // 50, 100, 150, 200
    return async () => {
      const ours = await sum.read();
      await gpu.dispose();
      // Kiln has not destroyed the tensor.
      return `${ours} | ${await c.getData()} | ${await last.getData()}`;
    };
  };
});
