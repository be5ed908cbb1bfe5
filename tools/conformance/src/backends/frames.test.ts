import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { JobServer, LocalTransport, type Transport, TransportBackend } from "@kiln-gpu/frames";
import { conformance } from "../promises/conformance.js";
import type { OpenOptions } from "../support/suite.js";

/** A persistent backend behind frames, and no process or thread between. */
async function openFrames(options: OpenOptions = {}): Promise<TransportBackend> {
  const backend = await openPersistentBackend({ store: false, ...options });
  const local = new LocalTransport(new JobServer(backend));
  const transport: Transport = {
    send: (job) => local.send(job),
    cancel: (id) => local.cancel(id),
    receive: (listener) => local.receive(listener),
    close: async () => {
      await local.close();
      await backend.dispose();
    },
  };
  return new TransportBackend({ name: "frames", device: backend.device, transport });
}

conformance({
  name: "frames",
  open: openFrames,
  capabilities: { adoptsDevice: false, keepsResources: false, countsResources: false },
  manyRuns: 300,
  isBrief: true,
});
