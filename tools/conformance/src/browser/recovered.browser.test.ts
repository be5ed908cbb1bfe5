import { openRecovered, persistentSuite } from "../backends/modes.js";
import { conformance } from "../promises/conformance.js";

conformance({ ...persistentSuite("in Chromium, after a loss", {}), open: openRecovered });
