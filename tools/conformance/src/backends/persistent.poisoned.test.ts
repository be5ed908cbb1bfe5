import { conformance } from "../promises/conformance.js";
import { persistentSuite } from "./modes.js";

// In full: poisoned memory shows a kernel that reads what it has not written.
conformance({ ...persistentSuite("memory poisoned", { poisonMemory: true }), isBrief: false });
