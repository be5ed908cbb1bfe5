import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { runFieldAdd, runMatrixProduct } from "@kiln-gpu/kernels";
import { version } from "../../../../packages/backend-persistent/package.json";

/** @returns {Promise<import("../peer.mjs").Peer>} */
export async function open() {
  const backend = await openPersistentBackend();
  return {
    name: "Kiln",
    version,
    adapter: backend.device.name,
    add: (a, b) => runFieldAdd(backend, a, b),
    matmul: (a, b, n) => runMatrixProduct(backend, a, b, { m: n, k: n, n }),
    close: () => backend.dispose(),
  };
}
