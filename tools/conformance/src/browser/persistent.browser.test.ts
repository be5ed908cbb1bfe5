import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { conformance } from "../conformance.js";

conformance({
  name: "persistent",
  mode: "in Chromium",
  open: openPersistentBackend,
  capabilities: { adoptsDevice: true, keepsResources: true },
  manyRuns: 600,
});
