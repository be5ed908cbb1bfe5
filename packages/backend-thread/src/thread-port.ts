/** The two ends of a thread: ports of Node, and those of pages. */
import type { DeviceInfo } from "@kiln-gpu/core";
import type { ToClient, ToServer } from "@kiln-gpu/frames";

/**
 * A `Worker`, a `MessagePort`, or in a worker `parentPort` or `self`: of Node or of a page. Other messages on it are not
 * touched. What it may transfer differs between them, so it is not typed.
 */
export interface ThreadPort {
  postMessage(message: unknown, transfer: never): void;
}

export type ToThread = ToServer | { readonly kind: "close" };

export type FromThread =
  | ToClient
  | { readonly kind: "ready"; readonly device: DeviceInfo }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "closed" };

/** The key of Kiln's messages among others. */
const key = "@kiln-gpu/backend-thread";

/** What Node's and pages' ports have in common with each other, or have alone. */
interface AnyPort extends ThreadPort {
  on?(event: string, listener: (message: unknown) => void): void;
  off?(event: string, listener: (message: unknown) => void): void;
  addEventListener?(event: string, listener: (event: { readonly data?: unknown }) => void): void;
  removeEventListener?(event: string, listener: (event: { readonly data?: unknown }) => void): void;
  start?(): void;
}

/** @returns A function that removes the listener. */
export function listen<M>(port: ThreadPort, listener: (message: M) => void): () => void {
  return hear(port, "message", (data) => {
    const message = (data as { readonly [key]?: M } | null | undefined)?.[key];
    if (message !== undefined) listener(message);
  });
}

/** @returns A function that removes the listener. */
export function hear(port: ThreadPort, event: string, listener: (data: unknown) => void): () => void {
  const any = port as AnyPort;
  if (any.on) {
    any.on(event, listener);
    return () => any.off?.(event, listener);
  }
  const onEvent = ({ data }: { readonly data?: unknown }) => listener(data);
  any.addEventListener?.(event, onEvent);
  // A port of a page holds its messages until it is started.
  any.start?.();
  return () => any.removeEventListener?.(event, onEvent);
}

export function post(port: ThreadPort, message: ToThread | FromThread, transfer: readonly ArrayBuffer[] = []): void {
  port.postMessage({ [key]: message }, [...transfer] as never);
}

/** Smaller parts are copied with their message, which is as fast as a transfer. */
const minTransferredBytes = 2 ** 15;

/**
 * Parts that another thread gets, and what of them is transferred. Memory that threads share is shared.
 * @param isOwn Whether the memory of the parts may be transferred: nothing else refers to it.
 */
export function detachable(
  parts: readonly Uint8Array[],
  isOwn: boolean,
): { readonly parts: readonly Uint8Array[]; readonly transfer: readonly ArrayBuffer[] } {
  const transfer: ArrayBuffer[] = [];
  const sent = parts.map((part) => {
    const { buffer, byteLength } = part;
    if (!(buffer instanceof ArrayBuffer)) return part;
    const isWhole = byteLength === buffer.byteLength;
    // A message with a view has all of the buffer behind it.
    if (byteLength < minTransferredBytes) return isWhole ? part : new Uint8Array(part);
    const own = isOwn && isWhole ? (part as Uint8Array<ArrayBuffer>) : new Uint8Array(part);
    transfer.push(own.buffer);
    return own;
  });
  return { parts: sent, transfer };
}
