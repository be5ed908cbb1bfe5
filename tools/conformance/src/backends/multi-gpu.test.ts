import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openMultiGpuBackend } from "@kiln-gpu/backend-multi-gpu";
import { writeSoftwareGpus } from "@kiln-gpu/processes";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { afterAll, beforeAll } from "vitest";
import { conformance } from "../promises/conformance.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "two-gpus-"));
  const { library } = await softwareGpu.locate();
  Object.assign(process.env, await writeSoftwareGpus(library, folder, [{ letter: "a" }, { letter: "b" }]));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

conformance({
  name: "multi-gpu",
  mode: "two software GPUs",
  // The GPUs are those of this process, and all are software.
  open: ({ software: _, ...options } = {}) => openMultiGpuBackend(options),
  // It keeps what the persistent backend keeps, on each GPU: bounds are each GPU's, and counters sums.
  capabilities: { adoptsDevice: false, choosesAdapter: false, keepsResources: false },
  manyRuns: 600,
  isBrief: true,
});
