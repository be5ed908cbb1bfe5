import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { conformance } from "./conformance.js";

conformance({
  name: "one-shot",
  open: openOneShotBackend,
  capabilities: { adoptsDevice: true, keepsResources: false },
  manyRuns: 120,
  script: { package: "@kiln-gpu/backend-one-shot", open: "openOneShotBackend" },
});
