import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { conformance } from "../promises/conformance.js";

conformance({
  name: "one-shot",
  open: openOneShotBackend,
  capabilities: { adoptsDevice: true, keepsResources: false },
  manyRuns: 120,
  isBrief: true,
});
