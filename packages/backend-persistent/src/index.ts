export type { Leak } from "./memory/holders.js";
export {
  openPersistentBackend,
  type PersistentBackendOptions,
  type PersistentComputeBackend,
} from "./open-persistent-backend.js";
