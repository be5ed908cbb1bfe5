import { conformance } from "../promises/conformance.js";
import { persistentSuite } from "./modes.js";

conformance(persistentSuite("latency", { mode: "latency" }));
