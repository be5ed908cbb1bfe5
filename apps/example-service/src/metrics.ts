import type { FastifyInstance } from "fastify";
import type { BackendStats, ComputeBackend } from "kiln-gpu";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

type Read = (stats: BackendStats) => number;

const counters: readonly (readonly [name: string, help: string, read: Read])[] = [
  ["kiln_runs_completed_total", "Runs that gave their results.", ({ runs }) => runs.completed],
  [
    "kiln_runs_failed_total",
    "Runs that were rejected, including those that were cancelled.",
    ({ runs }) => runs.failed,
  ],
  ["kiln_runs_retried_total", "Runs that began again because their device was lost.", ({ runs }) => runs.retried],
  ["kiln_devices_lost_total", "Devices that were lost.", ({ devices }) => devices.lost],
  ["kiln_pipelines_made_total", "Pipelines that were compiled.", ({ pipelines }) => pipelines.made],
];

const gauges: readonly (readonly [name: string, help: string, read: Read])[] = [
  ["kiln_runs_pending", "Runs that are not settled yet.", ({ runs }) => runs.pending],
  ["kiln_queue_waiting", "Runs that wait for a submission.", ({ queue }) => queue.waiting],
  ["kiln_buffer_bytes", "Bytes of all GPU buffers.", ({ buffers }) => buffers.bytes],
  ["kiln_buffer_waiting", "Submissions that wait for memory.", ({ buffers }) => buffers.waiting],
];

/** Serves `/metrics`, for Prometheus: what the backend counts, and how long each answer took. */
export function serveMetrics(service: FastifyInstance, gpu: ComputeBackend): void {
  const registers = [new Registry()];
  for (const [name, help, read] of counters) {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read(gpu.stats()));
      },
    });
  }
  for (const [name, help, read] of gauges) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read(gpu.stats()));
      },
    });
  }
  const durations = new Histogram({
    name: "http_request_duration_seconds",
    help: "From the request until the end of its answer.",
    labelNames: ["route", "status"],
    registers,
  });
  service.addHook("onResponse", (request, reply, done) => {
    const route = request.routeOptions.url ?? "none";
    durations.observe({ route, status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });
  service.get("/metrics", async (_, reply) => {
    reply.type(registers[0]!.contentType);
    return registers[0]!.metrics();
  });
}
