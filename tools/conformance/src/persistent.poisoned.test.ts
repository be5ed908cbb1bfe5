import { conformance } from "./conformance.js";
import { persistentSuite } from "./modes.js";

conformance(persistentSuite("memory poisoned", { poisonMemory: true }));
