/** What parent and child tell each other, besides jobs. */
import type { PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import type { DeviceInfo } from "@kiln-gpu/core";
import type { ToClient, ToServer } from "@kiln-gpu/frames";
import type { Place } from "./shared-memory.js";

/** The options of the backend in the child; `fallback` is its name, and is located by the parent. */
export type ChildOptions = Omit<PersistentBackendOptions, "fallback" | "device" | "tracer" | "leakDetection"> & {
  readonly fallback?: string;
};

/** Parts of a frame on their way: small ones in the message, large ones in shared memory. */
export type SentParts = readonly (Uint8Array | Place)[];

type Sent<M> = M extends { readonly parts: readonly Uint8Array[] }
  ? Omit<M, "parts"> & { readonly parts: SentParts }
  : M;

export type ToChild =
  | Sent<ToServer>
  | { readonly kind: "open"; readonly options: ChildOptions }
  /** Where the software GPU is, or why it is nowhere. */
  | { readonly kind: "located"; readonly driver?: object; readonly error?: unknown }
  /** The parent has read these results, and their places in shared memory are free. */
  | { readonly kind: "read"; readonly places: readonly Place[] }
  | { readonly kind: "close" };

export type ToParent =
  | Sent<ToClient>
  | { readonly kind: "ready"; readonly device: DeviceInfo }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "locate" }
  /** A kernel does not end; only the end of this process frees its device. */
  | { readonly kind: "hung"; readonly reason: string };
