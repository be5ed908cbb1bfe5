export { openPersistentBackend, type PersistentBackendOptions } from "./open-persistent-backend.js";
