export type { Leak } from "./memory/holders.js";
export { openPersistentBackend, type PersistentComputeBackend } from "./open-persistent-backend.js";
export type { PersistentBackendOptions } from "./persistent-options.js";
