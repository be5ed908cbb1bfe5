import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { conformance } from "./conformance.js";
import { describeProcessExit } from "./process-exit.js";

conformance({
  name: "one-shot",
  open: openOneShotBackend,
  capabilities: { adoptsDevice: true, keepsResources: false },
  manyRuns: 120,
});

describeProcessExit({ package: "@kiln-gpu/backend-one-shot", open: "openOneShotBackend" });
