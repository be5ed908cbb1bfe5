import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { conformance } from "./conformance.js";
import { describeProcessExit } from "./process-exit.js";

conformance({
  name: "persistent",
  open: openPersistentBackend,
  capabilities: { adoptsDevice: true, keepsResources: true },
  manyRuns: 600,
  drawsThousands: true,
});

describeProcessExit({ package: "@kiln-gpu/backend-persistent", open: "openPersistentBackend" });
