import { conformance } from "../conformance.js";
import { openRecovered, persistentSuite } from "../modes.js";

conformance({ ...persistentSuite("in Chromium, after a loss", {}), open: openRecovered });
