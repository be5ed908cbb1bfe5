import fastify, { type FastifyInstance, type FastifyReply } from "fastify";
import { bytes, isComputeError, output, type PersistentComputeBackend } from "kiln-gpu";
import { serveMetrics } from "./metrics.js";
import { similarity } from "./similarity.js";

export interface ServiceOptions {
  /** The table: the elements of one vector after those of the other. */
  readonly vectors: Float32Array;
  /** The elements of one vector. */
  readonly dimensions: number;
  /** Requests that may wait for the GPU; further ones are refused with 503. */
  readonly maxPending?: number;
  /** A request that takes longer is answered with 504. */
  readonly timeoutMs?: number;
}

/**
 * A service that compares a query with each vector of a table. `POST /scores` takes a query and answers with a score
 * for each vector; both are f32 values, little-endian. The caller disposes `gpu` after it has closed the service.
 */
export async function createService(gpu: PersistentComputeBackend, options: ServiceOptions): Promise<FastifyInstance> {
  const { dimensions, maxPending = 256, timeoutMs = 5000 } = options;
  const rows = options.vectors.length / dimensions;
  const queryBytes = dimensions * Float32Array.BYTES_PER_ELEMENT;

  // The table stays on the GPU. If the device is lost, Kiln uploads it to the next one.
  const vectors = await gpu.array(options.vectors, { label: "vectors", recoverable: true });
  await gpu.prepare(similarity);

  const service = fastify({ logger: { level: process.env.LOG_LEVEL ?? "info" }, bodyLimit: queryBytes });
  service.addHook("onClose", () => vectors.dispose());
  service.addContentTypeParser("application/octet-stream", { parseAs: "buffer" }, (_request, body, done) => {
    done(null, body);
  });
  closeConnections(service);
  serveMetrics(service, gpu);

  service.get("/health", async () => ({ device: gpu.device.name, pending: gpu.stats().runs.pending }));

  service.post<{ Body: Buffer | undefined }>("/scores", async (request, reply) => {
    const query = request.body ?? Buffer.alloc(0);
    if (query.length !== queryBytes) {
      return reply
        .code(400)
        .send({ error: `A query has ${dimensions} f32 values, ${queryBytes} bytes; got ${query.length} bytes.` });
    }
    // Nothing is awaited between this line and the run, so the bound is exact.
    if (gpu.stats().runs.pending >= maxPending) return refuse(reply, "Too many requests are waiting.");
    const { scores } = await gpu.run(
      similarity,
      { vectors, query: bytes(query), scores: output(Float32Array, rows) },
      { signal: untilClosed(reply), timeoutMs },
    );
    return reply.type("application/octet-stream").send(Buffer.from(scores.buffer));
  });

  service.setErrorHandler((error, request, reply) => {
    if (!isComputeError(error)) return reply.send(error);
    if (error.code === "aborted") {
      request.log.info("The client went away.");
      return reply.code(499).send();
    }
    request.log.error(error);
    if (error.code === "timeout") return reply.code(504).send({ error: "The GPU did not answer in time." });
    const isPassing = error.code === "out-of-memory" || error.code === "device-lost" || error.code === "disposed";
    return isPassing ? refuse(reply, "The GPU is not available.") : reply.code(500).send({ error: "The run failed." });
  });
  return service;
}

/**
 * Aborts when the client goes away. Fastify's own `request.signal` aborts as soon as the body of a request has been
 * read.
 */
function untilClosed({ raw }: FastifyReply): AbortSignal {
  const closed = new AbortController();
  raw.once("close", () => closed.abort());
  return closed.signal;
}

/** Ends each connection with its answer once the service closes; an open one would keep it for as long as it idles. */
function closeConnections(service: FastifyInstance): void {
  let isClosing = false;
  service.addHook("preClose", (done) => {
    isClosing = true;
    done();
  });
  service.addHook("onSend", (_request, reply, _payload, done) => {
    if (isClosing) reply.header("Connection", "close");
    done();
  });
}

/** Tells the client to come back. */
function refuse(reply: FastifyReply, error: string) {
  return reply.code(503).header("Retry-After", "1").send({ error });
}
