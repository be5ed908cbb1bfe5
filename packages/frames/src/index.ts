export { decodeError, encodeError } from "./errors.js";
export { joinParts, splitParts } from "./frame.js";
export { type IncomingJob, JobServer, type ServerLimits } from "./job-server.js";
export { LocalTransport } from "./local-transport.js";
export type { OutboxLimits } from "./outbox.js";
export { hashProgram } from "./programs.js";
export { decodeResults, encodeFailure, resultArrays } from "./results.js";
export type { OutgoingJob, Transport, TransportEvent } from "./transport.js";
export { TransportBackend, type TransportBackendParts } from "./transport-backend.js";
