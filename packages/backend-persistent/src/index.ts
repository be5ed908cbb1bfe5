export {
  openPersistentBackend,
  type PersistentBackendOptions,
  type PersistentComputeBackend,
} from "./open-persistent-backend.js";
