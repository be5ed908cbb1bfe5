/** Backends in worker threads. They run in processes of their own, which a fault in a worker would abort. */
import { expectExit, runScript } from "@kiln-gpu/test-support/node";
import { describe, it } from "vitest";

const from = import.meta.dirname;

const inWorker = (before: string) => `
  import { parentPort } from "node:worker_threads";
  import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
  import { serveThread } from "@kiln-gpu/backend-thread";
  import { softwareGpu } from "@kiln-gpu/software-gpu";
  import { disposeOnStop } from "@kiln-gpu/webgpu";
  ${before}
  const opening = openPersistentBackend({ fallback: softwareGpu, software: true, store: false });
  disposeOnStop(parentPort, opening);
  serveThread(parentPort, opening);`;

const run = (code: string, before = "") =>
  runScript(
    `
    import { Worker } from "node:worker_threads";
    import { openThreadBackend } from "@kiln-gpu/backend-thread";
    import { inout, output } from "@kiln-gpu/core";
    import { fieldAdd, runFieldAdd, saxpy } from "@kiln-gpu/kernels";
    process.on("exit", (code) => console.log("exit", code));
    const worker = new Worker(${JSON.stringify(inWorker(before))}, { eval: true });
    worker.on("exit", (code) => console.log("worker", code));
    worker.on("error", () => undefined);
    const said = ({ code, message }) => code + ": " + message;
    const add = async (gpu, n) => {
      const [a, b] = [new Float32Array(n).fill(1), new Float32Array(n).fill(2)];
      const c = await runFieldAdd(gpu, a, b);
      const isWhole = [a, b, c].every((array) => array.length === n) && c.buffer.byteLength === 4 * n;
      return isWhole && c.every((value) => value === 3) && a.every((value) => value === 1) ? "right" : "wrong";
    };
    ${code}`,
    { from, timeoutMs: 150_000 },
  );

describe.concurrent("a backend in a worker thread", { timeout: 170_000 }, () => {
  it("serves arrays of every size, leaves inputs alone, and its worker ends after dispose", async () => {
    const exit = run(`
      const gpu = await openThreadBackend(worker);
      const sizes = [1, 1000, 10_000, 300_000];
      console.log((await Promise.all(sizes.flatMap((n) => [add(gpu, n), add(gpu, n)]))).join());
      await gpu.dispose();`);
    await expectExit(exit, 0, `${Array(8).fill("right").join()}\nworker 0\nexit 0\n`);
  });

  it("reads parts of larger arrays and shared memory, and writes where the caller asks", async () => {
    const exit = run(`
      const gpu = await openThreadBackend(worker);
      const n = 20_000;
      const shared = new Float32Array(new SharedArrayBuffer(4 * n)).fill(1);
      const large = new Float32Array(3 * n).fill(5).fill(2, n, 2 * n);
      const into = new Float32Array(n);
      const { c } = await gpu.run(fieldAdd, { a: shared, b: large.subarray(n, 2 * n), c: output(Float32Array, n, { into }) });
      const { y } = await gpu.run(saxpy, { alpha: 2, x: shared, y: inout(large.subarray(n, 2 * n)) });
      console.log(c === into, c.every((value) => value === 3), y.every((value) => value === 4), large.length === 3 * n);
      await gpu.dispose();`);
    await expectExit(exit, 0, "true true true true\nworker 0\nexit 0\n");
  });

  it("rejects its runs when the worker ends", async () => {
    const exit = run(
      `
      const gpu = await openThreadBackend(worker);
      console.log(await add(gpu, 10));
      worker.postMessage("fail");
      await new Promise((resolve) => worker.once("exit", resolve));
      console.log(await add(gpu, 10).catch(said));
      await gpu.dispose();`,
      'parentPort.on("message", (message) => { if (message === "fail") throw new Error("a mistake"); });',
    );
    await expectExit(
      exit,
      0,
      "right\nworker 1\ndevice-lost: The thread of the backend is gone: an error ended it: a mistake.\nexit 0\n",
    );
  });

  it("reports why it cannot be opened", async () => {
    const exit = run(
      "console.log(await openThreadBackend(worker).catch(said));",
      "softwareGpu.locate = () => Promise.reject(new Error('no such driver'));",
    );
    await expectExit(exit, 0, "undefined: no such driver\nworker 0\nexit 0\n");
  });
});
