export { openRemoteBackend, type RemoteBackendOptions } from "./open-remote-backend.js";
export { folderStore, type PayloadStore } from "./payload-store.js";
export type { RedisSettings } from "./redis-settings.js";
export type { RemoteComputeBackend, SubmitOptions, SubmittedJob } from "./remote-compute-backend.js";
export { serveQueue } from "./serve-queue.js";
export type { HttpOptions, QueueServer, ServeQueueOptions } from "./worker-options.js";
