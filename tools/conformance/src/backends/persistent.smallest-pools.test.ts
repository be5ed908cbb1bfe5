import { conformance } from "../promises/conformance.js";
import { persistentSuite } from "./modes.js";

conformance(
  persistentSuite("pools of one", { maxSubmissions: 1, maxDescriptorSets: 1, maxDescriptors: 1, maxPipelines: 1 }),
);
