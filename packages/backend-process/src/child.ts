/** The child process: a persistent backend that serves the jobs of the parent, and ends with it. */
import { Worker } from "node:worker_threads";
import { openPersistentBackend, type PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { ChannelServer, decodeError, encodeError, JobServer, type ToClient } from "@kiln-gpu/frames";
import type { ChildOptions, ToChild, ToParent } from "./messages.js";
import { childFiles, PartCodec } from "./part-codec.js";

const parts = new PartCodec(
  process.argv.includes("--shared") ? { write: childFiles.fromChild, read: childFiles.fromParent } : undefined,
);

// The parent decides when this process ends; what a terminal or a service manager sends goes to both.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
process.on("disconnect", end);
new Worker(new URL("./watch-parent.js", import.meta.url), { workerData: process.ppid }).unref();

/** At once, whatever the device does: an exit in order would wait for a kernel that does not end. */
function end(): void {
  process.kill(process.pid, "SIGKILL");
}

function tell(message: ToParent): void {
  process.send!(message);
}

let located: ((message: ToChild & { readonly kind: "located" }) => void) | undefined;
/** Jobs that come while the device is opened. */
let early: ToChild[] | undefined = [];
let receive = (message: ToChild): void => void early!.push(message);

process.on("message", (message: ToChild) => {
  if (message.kind === "open") open(message.options);
  else if (message.kind === "located") located?.(message);
  else receive(message);
});

function optionsOf({ fallback, ...options }: ChildOptions): PersistentBackendOptions {
  const locate = async () => {
    tell({ kind: "locate" });
    const { driver, error } = await new Promise<ToChild & { readonly kind: "located" }>((resolve) => {
      located = resolve;
    });
    if (error !== undefined) throw decodeError(error);
    return driver as never;
  };
  return { leakDetection: false, ...options, ...(fallback !== undefined && { fallback: { name: fallback, locate } }) };
}

async function open(options: ChildOptions): Promise<void> {
  let backend: Awaited<ReturnType<typeof openPersistentBackend>>;
  try {
    backend = await openPersistentBackend(optionsOf(options));
  } catch (error) {
    tell({ kind: "failed", error: encodeError(error) });
    return;
  }
  backend.on("lost", ({ reason }) => {
    if (backend.stats().devices.abandoned > 0) tell({ kind: "hung", reason: reason.message });
  });
  const server = new ChannelServer(new JobServer(backend), (message: ToClient) => {
    tell(message.kind === "result" ? { ...message, parts: parts.encode(message.parts) } : message);
  });
  receive = (message) => {
    if (message.kind === "job") server.receive({ ...message, parts: parts.decode(message.parts) });
    else if (message.kind === "cancel" || message.kind === "program") server.receive(message);
    else if (message.kind === "read") parts.free(message.places);
    else if (message.kind === "close") void backend.dispose().then(end);
  };
  tell({ kind: "ready", device: backend.device });
  for (const message of early!) receive(message);
  early = undefined;
}
