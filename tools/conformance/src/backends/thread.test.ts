import { MessageChannel } from "node:worker_threads";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { openThreadBackend, serveThread } from "@kiln-gpu/backend-thread";
import { conformance } from "../promises/conformance.js";

conformance({
  name: "thread",
  // A port behaves alike wherever its other end is, and a thread of its own would have to be told all options.
  open: (options) => {
    const { port1, port2 } = new MessageChannel();
    serveThread(port2, openPersistentBackend({ store: false, ...options }));
    return openThreadBackend(port1);
  },
  capabilities: { adoptsDevice: false, keepsResources: false, countsResources: false },
  manyRuns: 300,
  isBrief: true,
});
