import { describeProcessExit } from "./process-exit.js";

describeProcessExit({ package: "@kiln-gpu/backend-one-shot", open: "openOneShotBackend" });
