/** The process of a peer: opens it, then answers each job with a figure until it is told to end. */
import { createMeasure } from "./measure.mjs";

process.on("disconnect", () => process.exit());

/** @param {unknown} error */
const reasonOf = (error) => String(error instanceof Error ? error.message : error).split("\n", 1)[0];

/**
 * Waits until the process is idle. V8 recompiles ONNX Runtime's WebAssembly in the background for more than a minute,
 * which would disturb the turns of other peers.
 */
async function becomeQuiet() {
  const deadline = performance.now() + 120_000;
  for (let busy = 1; busy > 0.1 && performance.now() < deadline; ) {
    const start = performance.now();
    const before = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { user, system } = process.cpuUsage(before);
    busy = (user + system) / 1000 / (performance.now() - start);
  }
}

try {
  // A URL, because otherwise the bundler would include all peers in this file.
  const { open } = await import(new URL(`./peers/${process.argv[2]}.mjs`, import.meta.url).href);
  /** @type {import("./peer.mjs").Peer} */
  const peer = await open();
  const measure = createMeasure(peer);
  process.on("message", async (job) => {
    try {
      if (job !== "close") return process.send({ figure: await measure(job) });
      await peer.close();
      // A global `navigator.gpu` keeps Node alive.
      process.exit();
    } catch (error) {
      process.send({ failure: reasonOf(error) });
    }
  });
  await becomeQuiet();
  const { name, version, adapter } = peer;
  process.send({ name, version, adapter, workloads: peer.matmul ? ["add", "matmul"] : ["add"] });
} catch (error) {
  process.send({ failure: reasonOf(error) });
}
