import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { conformance } from "./conformance.js";

conformance({
  name: "persistent",
  open: openPersistentBackend,
  capabilities: { adoptsDevice: true, keepsResources: true },
  manyRuns: 600,
  script: { package: "@kiln-gpu/backend-persistent", open: "openPersistentBackend" },
});
