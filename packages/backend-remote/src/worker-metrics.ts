import type { BackendStats } from "@kiln-gpu/core";
import type { JobOutcome } from "./job-worker.js";

/** Upper bounds of the histogram of times, in seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const outcomes: readonly JobOutcome[] = ["completed", "cancelled", "again", "poison", "refused"];

/** What a worker holds now. */
export interface WorkerState {
  readonly active: number;
  readonly bytesInFlight: number;
  readonly waiting: number;
  readonly backend: BackendStats;
}

/** Counts jobs, and writes the counts in Prometheus' text format. */
export class WorkerMetrics {
  readonly #jobs = new Map<JobOutcome, number>(outcomes.map((outcome) => [outcome, 0]));
  /** How many jobs took at most each bound. */
  readonly #buckets = bounds.map(() => 0);
  #seconds = 0;

  count(outcome: JobOutcome, workedMs: number): void {
    this.#jobs.set(outcome, this.#jobs.get(outcome)! + 1);
    const seconds = workedMs / 1000;
    this.#seconds += seconds;
    for (const [i, bound] of bounds.entries()) if (seconds <= bound) this.#buckets[i]! += 1;
  }

  get total(): number {
    return [...this.#jobs.values()].reduce((sum, count) => sum + count, 0);
  }

  text({ active, bytesInFlight, waiting, backend }: WorkerState): string {
    const { runs, submissions, devices, pipelines, buffers } = backend;
    const lines = [
      ...head("kiln_worker_jobs_total", "counter", "Jobs that have ended, by how."),
      ...[...this.#jobs].map(([outcome, count]) => `kiln_worker_jobs_total{outcome="${outcome}"} ${count}`),
      ...head("kiln_worker_job_seconds", "histogram", "From picking a job until its result is kept."),
      ...bounds.map((bound, i) => `kiln_worker_job_seconds_bucket{le="${bound}"} ${this.#buckets[i]}`),
      `kiln_worker_job_seconds_bucket{le="+Inf"} ${this.total}`,
      `kiln_worker_job_seconds_sum ${this.#seconds}`,
      `kiln_worker_job_seconds_count ${this.total}`,
      ...gauge("kiln_worker_jobs_active", "Jobs that this worker has.", active),
      ...gauge("kiln_worker_bytes_in_flight", "Bytes of inputs of these jobs.", bytesInFlight),
      ...gauge("kiln_queue_jobs_waiting", "Jobs that wait in the queue for any worker.", waiting),
      ...counter("kiln_backend_runs_total", "Runs that the backend has started.", runs.started),
      ...counter("kiln_backend_runs_failed_total", "Runs that failed.", runs.failed),
      ...counter("kiln_backend_submissions_total", "Submissions to the GPU.", submissions),
      ...counter("kiln_backend_devices_lost_total", "Devices that were lost.", devices.lost),
      ...counter("kiln_backend_pipelines_total", "Pipelines that were compiled.", pipelines.made),
      ...gauge("kiln_backend_buffer_bytes", "Bytes of GPU memory that the backend has.", buffers.bytes),
    ];
    return `${lines.join("\n")}\n`;
  }
}

function head(name: string, type: string, help: string): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`];
}

function gauge(name: string, help: string, value: number): string[] {
  return [...head(name, "gauge", help), `${name} ${value}`];
}

function counter(name: string, help: string, value: number): string[] {
  return [...head(name, "counter", help), `${name} ${value}`];
}
