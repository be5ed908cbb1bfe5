export { openThreadBackend, type ThreadBackendOptions } from "./open-thread-backend.js";
export { serveThread } from "./serve-thread.js";
export type { ThreadPort } from "./thread-port.js";
