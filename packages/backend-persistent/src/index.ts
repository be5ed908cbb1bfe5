export type { Leak } from "./holders.js";
export {
  openPersistentBackend,
  type PersistentBackendOptions,
  type PersistentComputeBackend,
} from "./open-persistent-backend.js";
