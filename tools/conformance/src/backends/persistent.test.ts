import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { conformance } from "../promises/conformance.js";

conformance({
  name: "persistent",
  open: openPersistentBackend,
  capabilities: { adoptsDevice: true, keepsResources: true },
  manyRuns: 600,
  isOfEachKernel: true,
  drawsThousands: true,
});
