/** The places where a run can be executed, each as a backend. */
import { Worker } from "node:worker_threads";
import { openPersistentBackend, type PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { openProcessBackend } from "@kiln-gpu/backend-process";
import { openThreadBackend } from "@kiln-gpu/backend-thread";
import type { ComputeBackend } from "@kiln-gpu/core";

export interface Place {
  readonly name: string;
  readonly open: (options: PersistentBackendOptions) => Promise<ComputeBackend>;
}

/** The first is what the others are compared with. */
export const places: readonly [Place, ...Place[]] = [
  { name: "local", open: openPersistentBackend },
  {
    name: "thread",
    // The software GPU has a function, which cannot be sent; the worker adds it.
    open: ({ fallback: _, ...options }) =>
      openThreadBackend(new Worker(new URL("./thread.js", import.meta.url), { workerData: options })),
  },
  { name: "process", open: openProcessBackend },
];
