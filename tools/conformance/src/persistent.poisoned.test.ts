import { conformance } from "./conformance.js";
import { persistentSuite } from "./modes.js";

// In full, since a kernel of ours that reads what it has not written shows here.
conformance({ ...persistentSuite("memory poisoned", { poisonMemory: true }), isBrief: false });
