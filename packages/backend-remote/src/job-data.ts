import type { Place } from "./reply.js";

/** What the queue holds of a job. A worker reads it as hostile. */
export interface JobData {
  /** Whose channel the reply goes to. */
  readonly replyTo: string;
  readonly byteLength: number;
  readonly place: Place;
  /** The bytes as base64, if they are in place. */
  readonly input?: string;
}
