import type { PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { type ComputeBackend, ComputeError, type Tracer } from "@kiln-gpu/core";
import { checkOptionNames, describeValue, optionNames } from "@kiln-gpu/core/backend";
import { TransportBackend } from "@kiln-gpu/frames";
import { ProcessTransport } from "./process-transport.js";

interface OwnOptions {
  /**
   * How many children may end by themselves, one after the other and without a result, before the backend gives up.
   * @default 8
   */
  readonly maxCrashes?: number;
  /**
   * How long a child that was asked to give up a run may take to answer, in milliseconds, before it is killed. A child
   * does not answer while it is inside a call of the driver.
   * @default 10_000
   */
  readonly responseMs?: number;
  /**
   * How many runs are with the child at a time; the others wait.
   * @default 256
   */
  readonly maxJobs?: number;
  /**
   * How many bytes of inputs and results the runs that are with the child have together. A larger run goes alone.
   * @default 256 MiB
   */
  readonly maxBytes?: number;
  /** Receives the runs, as this process sees them. */
  readonly tracer?: Tracer;
}

/**
 * Options of the persistent backend in the child, except those that cannot reach another process, and options of this
 * package.
 */
export interface ProcessBackendOptions
  extends Omit<PersistentBackendOptions, "device" | "tracer" | "leakDetection">,
    OwnOptions {}

const ownNames = optionNames<OwnOptions>({
  maxCrashes: true,
  responseMs: true,
  maxJobs: true,
  maxBytes: true,
  tracer: true,
});

const unreachable: ReadonlySet<string> = new Set(["device", "leakDetection"]);

/**
 * Opens a persistent backend in a child process. A run that passes its `timeoutMs` and does not end costs the child,
 * which is killed; runs that are lost with the child begin again in the next one.
 * @throws {ComputeError} What `openPersistentBackend` throws; `device-lost` if the child ends before its device is open.
 */
export async function openProcessBackend(options: ProcessBackendOptions = {}): Promise<ComputeBackend> {
  checkOptions(options);
  const { maxCrashes = 8, responseMs = 10_000, maxJobs, maxBytes, tracer, fallback, ...others } = options;
  const child = { ...others, ...(fallback && { fallback: fallback.name }) };
  const transport = new ProcessTransport({ options: child, fallback, maxCrashes, responseMs });
  const device = await transport.open();
  const limits = { ...(maxJobs !== undefined && { maxJobs }), ...(maxBytes !== undefined && { maxBytes }) };
  return new TransportBackend({ name: "process", device, transport, limits, tracer });
}

function checkOptions(options: ProcessBackendOptions): void {
  if (typeof options !== "object" || options === null) checkOptionNames("openProcessBackend", options, ownNames);
  for (const [name, value] of Object.entries(options)) {
    if (unreachable.has(name)) {
      throw new ComputeError("invalid-option", `openProcessBackend: "${name}" cannot be given to another process.`);
    }
    // The child checks the others.
    if (!ownNames.has(name) || name === "tracer" || value === undefined) continue;
    if (Number.isSafeInteger(value) && (value as number) >= 1) continue;
    throw new ComputeError(
      "invalid-option",
      `openProcessBackend: "${name}" must be a whole number, 1 or more; got ${describeValue(value)}.`,
    );
  }
}
