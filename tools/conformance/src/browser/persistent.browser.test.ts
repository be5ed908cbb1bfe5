import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { conformance } from "../promises/conformance.js";

conformance({
  name: "persistent",
  mode: "in Chromium",
  // All test files share one origin and therefore the default store.
  open: (options) => openPersistentBackend({ store: false, ...options }),
  capabilities: { adoptsDevice: true, keepsResources: true },
  manyRuns: 600,
  isBrief: true,
});
