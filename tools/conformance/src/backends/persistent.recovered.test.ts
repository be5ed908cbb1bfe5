import { conformance } from "../promises/conformance.js";
import { openRecovered, persistentSuite } from "./modes.js";

conformance({ ...persistentSuite("after a loss", {}), open: openRecovered });
