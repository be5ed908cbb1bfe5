import { conformance } from "./conformance.js";
import { openRecovered, persistentSuite } from "./modes.js";

conformance({ ...persistentSuite("after a loss", {}), open: openRecovered });
