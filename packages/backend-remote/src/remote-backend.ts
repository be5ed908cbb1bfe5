import {
  type Accepted,
  type Bindings,
  ComputeError,
  type Kernel,
  type NoOthers,
  type Results,
  type TypedArray,
} from "@kiln-gpu/core";
import { checkOptionNames, describeValue } from "@kiln-gpu/core/backend";
import {
  decodeResults,
  resultArrays,
  type SendingOptions,
  TransportBackend,
  type TransportBackendParts,
} from "@kiln-gpu/frames";
import { idOfKey } from "./queue-address.js";
import type { QueueTransport } from "./queue-transport.js";
import type { RemoteComputeBackend, SubmitOptions, SubmittedJob } from "./remote-compute-backend.js";

const highestPriority = 2_097_151;
const longestKey = 200;
const submitNames = new Set(["key", "priority", "onProgress", "workgroups", "threads", "signal", "timeoutMs"]);

export class RemoteBackend extends TransportBackend implements RemoteComputeBackend {
  readonly #transport: QueueTransport;
  readonly #queue: string;

  /** @param queue The queue's address, for messages. */
  constructor(parts: TransportBackendParts, transport: QueueTransport, queue: string) {
    super(parts);
    this.#transport = transport;
    this.#queue = queue;
  }

  async submit<K extends Bindings, B extends Accepted<K, B> & NoOthers<K, B>>(
    kernel: Kernel<K>,
    bindings: B,
    options: SubmitOptions,
  ): Promise<SubmittedJob<Results<B>>> {
    checkOptionNames("submit", options, submitNames);
    const { key, priority, onProgress, ...runOptions } = options;
    const id = this.#idOf("submit", key);
    if (priority !== undefined && !(Number.isInteger(priority) && priority >= 0 && priority <= highestPriority)) {
      throw invalid("submit", "priority", `a whole number from 0 to ${highestPriority}`, priority);
    }
    if (onProgress !== undefined && typeof onProgress !== "function") {
      throw invalid("submit", "onProgress", "a function", onProgress);
    }
    if (this.#transport.has(id)) {
      throw new ComputeError(
        "invalid-option",
        `submit: this backend already waits for the job "${key}"; call reattach("${key}") to wait for it once more.`,
      );
    }
    const sending: SendingOptions = {
      id,
      ...(priority !== undefined && { priority }),
      ...(onProgress && { onProgress }),
    };
    const sent = this.#transport.whenSent(id);
    const results = this.runAs(sending, kernel, bindings, runOptions, this.submit) as Promise<Results<B>>;
    // The caller may leave the results to another process.
    results.catch(() => undefined);
    await Promise.race([sent, results]);
    return { key, results };
  }

  async reattach(key: string): Promise<{ [name: string]: TypedArray }> {
    const attached = await this.#transport.attach(this.#idOf("reattach", key));
    if (!attached) {
      throw new ComputeError(
        "invalid-option",
        `reattach: ${this.#queue} has no job "${key}"; it was never submitted, or is no longer kept.`,
      );
    }
    const event = await attached.end;
    if (event.kind === "result") return resultArrays(decodeResults(event.parts));
    const reason = event.kind === "progress" ? "" : `: ${event.reason}`;
    throw new ComputeError("device-lost", `The job "${key}" was lost${reason}.`);
  }

  #idOf(subject: string, key: string): string {
    if (typeof key === "string" && key !== "" && key.length <= longestKey) return idOfKey(key);
    throw invalid(subject, "key", `a string of 1 to ${longestKey} characters`, key);
  }
}

function invalid(subject: string, name: string, expected: string, given: unknown): ComputeError {
  return new ComputeError("invalid-option", `${subject}: "${name}" must be ${expected}; got ${describeValue(given)}.`);
}
