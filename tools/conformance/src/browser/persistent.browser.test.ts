import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { conformance } from "../conformance.js";

conformance({
  name: "persistent",
  mode: "in Chromium",
  // What other test files leave in their origin's store is not to decide this one.
  open: (options) => openPersistentBackend({ store: false, ...options }),
  capabilities: { adoptsDevice: true, keepsResources: true },
  manyRuns: 600,
  isBrief: true,
});
