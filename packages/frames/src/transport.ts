/**
 * How jobs travel to the backend that runs them, and how results come back. A transport knows nothing of what it
 * carries: it moves bytes, in the order it likes.
 */
import type { ComputeErrorCode } from "@kiln-gpu/core";

/** Carries jobs from a client to a server, and results back. */
export interface Transport {
  /**
   * Sends a job. Resolves once the server, or the queue before it, has the job; until then the transport may read
   * `parts`. A job that is sent again under the same id runs once at most.
   * @throws {ComputeError} If the job cannot be sent; its run rejects with this error.
   */
  send(job: OutgoingJob): Promise<void>;
  /** Takes a job back: it is removed while it waits, and aborted while it runs. Its result may still come. */
  cancel(id: string): Promise<void>;
  /** Sets the one listener for all that comes back. */
  receive(listener: (event: TransportEvent) => void): void;
  /** Ends the transport. */
  close(): Promise<void>;
}

export interface OutgoingJob {
  readonly id: string;
  /**
   * The encoded job. The parts are not joined, because large arrays of the caller are among them: they must not be
   * transferred, and they must not change on the way.
   */
  readonly parts: readonly Uint8Array[];
  /** The programs of the job's kernel, by content hash. A transport sends each program once to each server. */
  readonly programs: ReadonlyMap<string, Uint8Array>;
  readonly priority?: number;
}

export type TransportEvent =
  /** A job has ended. `parts` hold its results or its error; nothing writes to their memory any more. */
  | {
      readonly kind: "result";
      readonly id: string;
      readonly parts: readonly Uint8Array[];
      /** How long the job waited in a queue, if there is one. */
      readonly queuedMs?: number;
    }
  | { readonly kind: "progress"; readonly id: string; readonly value: number }
  /** The server is gone, and the job with it; the client decides whether to send the job again. */
  | { readonly kind: "lost"; readonly id: string; readonly reason: string }
  /** The transport is at its end: every job is lost, and no other can be sent. */
  | { readonly kind: "failed"; readonly reason: string; readonly code?: ComputeErrorCode };
