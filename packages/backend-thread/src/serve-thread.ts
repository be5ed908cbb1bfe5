import type { ComputeBackend } from "@kiln-gpu/core";
import { ChannelServer, encodeError, JobServer, type ServerLimits, type ToClient } from "@kiln-gpu/frames";
import { detachable, listen, post, type ThreadPort, type ToThread } from "./thread-port.js";

/**
 * Serves the runs that `openThreadBackend` sends from the other end of `port`, until that backend is disposed. The
 * backend of this thread is disposed then, and in Node the thread may end.
 * @param port In a worker `parentPort` (Node) or `self` (a page), or a `MessagePort`.
 * @param backend The backend, or the promise of one, so that an error while it opens reaches the other end.
 * @param limits What is allowed, if the other end is not trusted.
 */
export function serveThread(
  port: ThreadPort,
  backend: ComputeBackend | Promise<ComputeBackend>,
  limits: Partial<ServerLimits> = {},
): void {
  const opening = Promise.resolve(backend);
  let server: ChannelServer | undefined;
  const early: ToThread[] = [];
  const receive = (message: ToThread) => {
    if (!server) return void early.push(message);
    if (message.kind !== "close") return server.receive(message);
    void opening
      .then((opened) => opened.dispose())
      .then(() => {
        post(port, { kind: "closed" });
        end();
      });
  };
  const stopListening = listen(port, receive);
  const end = () => {
    stopListening();
    // A port of Node keeps its thread alive while anything listens to it, such as `disposeOnStop`.
    (port as { unref?: () => void }).unref?.();
  };
  opening.then(
    (opened) => {
      server = new ChannelServer(new JobServer(opened, limits), (message: ToClient) => {
        if (message.kind !== "result") return post(port, message);
        const { parts, transfer } = detachable(message.parts, true);
        post(port, { ...message, parts }, transfer);
      });
      post(port, { kind: "ready", device: opened.device });
      for (const message of early) receive(message);
    },
    (error: unknown) => {
      post(port, { kind: "failed", error: encodeError(error) });
      end();
    },
  );
}
