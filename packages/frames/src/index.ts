export type { OutgoingJob, Transport, TransportEvent } from "./transport.js";
