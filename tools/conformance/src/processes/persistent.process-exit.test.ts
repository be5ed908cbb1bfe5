import { describeProcessExit } from "./process-exit.js";

describeProcessExit({ package: "@kiln-gpu/backend-persistent", open: "openPersistentBackend" });
