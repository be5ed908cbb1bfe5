import { poisonedMemory } from "@kiln-gpu/test-support";
import { conformance } from "../promises/conformance.js";
import { persistentSuite } from "./modes.js";

// Not brief: poisoned memory reveals a kernel that reads memory before writing it.
conformance({ ...persistentSuite("memory poisoned", poisonedMemory), isBrief: false });
