/** A user's CommonJS module: requires each module that the arguments name, and prints "right" if a kernel computes. */
for (const name of process.argv.slice(2)) require(name);

async function main() {
  const { openPersistentBackend } = require("@kiln-gpu/backend-persistent");
  const { runFieldAdd } = require("@kiln-gpu/kernels");
  const { softwareGpu } = require("@kiln-gpu/software-gpu");
  const gpu = await openPersistentBackend({ fallback: softwareGpu, store: false });
  const [sum] = await runFieldAdd(gpu, new Float32Array([1]), new Float32Array([2]));
  await gpu.dispose();
  console.log(sum === 3 ? "right" : `1 + 2 is ${sum}`);
}

main();
