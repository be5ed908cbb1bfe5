export type { OneShotBackendOptions } from "./one-shot-backend-options.js";
export { openOneShotBackend } from "./open-one-shot-backend.js";
