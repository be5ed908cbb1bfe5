import { conformance } from "../promises/conformance.js";
import { persistentSuite } from "./modes.js";

// Not brief: poisoned memory reveals a kernel that reads memory before writing it.
conformance({ ...persistentSuite("memory poisoned", { poisonMemory: true }), isBrief: false });
