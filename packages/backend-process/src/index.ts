export { openProcessBackend, type ProcessBackendOptions } from "./open-process-backend.js";
