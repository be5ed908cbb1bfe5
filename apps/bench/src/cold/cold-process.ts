/** A process that opens a backend, runs kernels, and prints on one line when it reached each step. */
import { openPersistentBackend, type PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { coldJobs } from "./cold-jobs.js";
import type { ColdEnd, ColdStart } from "./start-cold.js";

const { startedMs, kernels, inTurn, adapter, software, store, warmUp } = JSON.parse(process.argv[2]!) as ColdStart;

/** Milliseconds since the start of the process was requested. */
const sinceStart = () => performance.timeOrigin + performance.now() - startedMs;

const loadedMs = sinceStart();
const options: PersistentBackendOptions = {
  fallback: softwareGpu,
  software,
  store,
  ...(adapter !== undefined && { adapter }),
  ...(warmUp !== undefined && { warmUp }),
};
const backend = await openPersistentBackend(options);
const openedMs = sinceStart();
const jobs = coldJobs().slice(0, kernels);
if (inTurn) for (const job of jobs) await job(backend);
else await Promise.all(jobs.map((job) => job(backend)));
const doneMs = sinceStart();
await backend.dispose();
const { pipelines, store: counted } = backend.stats();
const end: ColdEnd = {
  loadedMs,
  openedMs,
  doneMs,
  pipelines: pipelines.made,
  warmed: pipelines.warmed,
  programs: counted.programs,
  failures: counted.failures,
};
console.log(JSON.stringify(end));
