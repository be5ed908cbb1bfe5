import { openProcessBackend, type ProcessBackendOptions } from "@kiln-gpu/backend-process";
import { conformance } from "../promises/conformance.js";

conformance({
  name: "process",
  open: (options) => openProcessBackend({ store: false, ...options } as ProcessBackendOptions),
  capabilities: { adoptsDevice: false, keepsResources: false, countsResources: false },
  manyRuns: 300,
  isBrief: true,
});
