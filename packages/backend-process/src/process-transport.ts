import { type ChildProcess, fork } from "node:child_process";
import { closeSync } from "node:fs";
import type { PersistentBackendOptions } from "@kiln-gpu/backend-persistent";
import { ComputeError, type DeviceInfo } from "@kiln-gpu/core";
import {
  ChannelClient,
  decodeError,
  encodeError,
  type OutgoingJob,
  type Transport,
  type TransportEvent,
} from "@kiln-gpu/frames";
import type { ChildOptions, SentParts, ToChild, ToParent } from "./messages.js";
import { PartCodec, placesOf } from "./part-codec.js";
import { createMemoryFile } from "./shared-memory.js";

export interface ProcessTransportParts {
  readonly options: ChildOptions;
  readonly fallback: PersistentBackendOptions["fallback"];
  readonly maxCrashes: number;
  readonly responseMs: number;
}

/** Why a child was killed by this process. */
interface Kill {
  readonly reason: string;
}

/** One child process, from its start to its end. */
interface Child {
  readonly process: ChildProcess;
  readonly jobs: ChannelClient;
  readonly codec: PartCodec;
  /** What each job has in shared memory. */
  readonly sent: Map<string, SentParts>;
  kill: Kill | undefined;
}

/** Kiln's own tests import the sources, and the child runs what was built. */
const childModule = new URL(import.meta.url.endsWith(".ts") ? "../dist/child.js" : "./child.js", import.meta.url);

/** A child process that is started when a job needs it, and again after it ended. */
export class ProcessTransport implements Transport {
  readonly #parts: ProcessTransportParts;
  #child: Child | undefined;
  #listener: ((event: TransportEvent) => void) | undefined;
  /** Settles the call that opens the backend. */
  #opening: { readonly resolve: (device: DeviceInfo) => void; readonly reject: (error: unknown) => void } | undefined;
  /** How many children ended by themselves since the last result. */
  #crashes = 0;
  #isClosing = false;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(parts: ProcessTransportParts) {
    this.#parts = parts;
  }

  /**
   * Starts the first child.
   * @returns The device that the child has opened.
   * @throws {ComputeError} What `openPersistentBackend` throws in the child; `device-lost` if the child ends.
   */
  open(): Promise<DeviceInfo> {
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.#child = this.#start();
    });
  }

  receive(listener: (event: TransportEvent) => void): void {
    this.#listener = listener;
  }

  async send(job: OutgoingJob): Promise<void> {
    this.#child ??= this.#start();
    const child = this.#child;
    if (child.jobs.size === 0) refer(child, true);
    child.jobs.send(job);
  }

  async cancel(id: string): Promise<void> {
    const child = this.#child;
    if (!child?.jobs.has(id)) return;
    child.jobs.cancel(id);
    // A child whose thread is free answers at once. One that is inside a call of the driver may never do.
    const { responseMs } = this.#parts;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (child.jobs.has(id)) this.#kill(child, `it did not answer within ${responseMs} ms`);
    }, responseMs);
    this.#timers.add(timer);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const child = this.#child;
    if (!child) return;
    const { process } = child;
    refer(child, true);
    await new Promise<void>((resolve) => {
      // What the child has open is closed with its end, so there is no more to wait for.
      process.once("exit", () => resolve());
      const timer = setTimeout(() => process.kill("SIGKILL"), this.#parts.responseMs);
      this.#timers.add(timer);
      tell(child, { kind: "close" });
    });
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #start(): Child {
    const files = [createMemoryFile(), createMemoryFile()] as const;
    const [write, read] = files;
    const isShared = write !== undefined && read !== undefined;
    const started = fork(childModule, isShared ? ["--shared"] : [], {
      serialization: "advanced",
      // What this process was started with, such as an inspector's port, is not for the child.
      execArgv: [],
      stdio: ["ignore", "inherit", "inherit", "ipc", ...(isShared ? files : [])] as never,
    });
    const codec = new PartCodec(isShared ? { write, read } : undefined);
    const child: Child = {
      process: started,
      codec,
      sent: new Map(),
      kill: undefined,
      jobs: new ChannelClient((message) => {
        if (message.kind !== "job") return tell(child, message);
        const parts = codec.encode(message.parts);
        if (placesOf(parts).length > 0) child.sent.set(message.id, parts);
        tell(child, { ...message, parts });
      }),
    };
    started.on("message", (message: ToParent) => this.#hear(child, message));
    started.on("error", (error) => this.#end(child, `it could not be started: ${error.message}`));
    started.on("exit", (code, signal) => {
      this.#end(child, signal ? `it was ended by ${signal}` : `it ended with exit code ${code}`);
      codec.close();
      if (read !== undefined) closeSync(read);
    });
    tell(child, { kind: "open", options: this.#parts.options });
    return child;
  }

  #hear(child: Child, message: ToParent): void {
    switch (message.kind) {
      case "ready":
        this.#opening?.resolve(message.device);
        this.#opening = undefined;
        if (child.jobs.size === 0) refer(child, false);
        return;
      case "failed":
        return this.#refuse(child, decodeError(message.error));
      case "locate":
        return void this.#locate(child);
      case "hung":
        return this.#kill(child, message.reason);
      case "need":
        return void child.jobs.receive(message);
      case "result":
        return this.#deliver(child, message);
    }
  }

  #deliver(child: Child, message: ToParent & { readonly kind: "result" }): void {
    const { id } = message;
    if (!child.jobs.has(id)) return;
    this.#crashes = 0;
    const sent = child.sent.get(id);
    if (sent) child.codec.free(sent);
    child.sent.delete(id);
    const places = placesOf(message.parts);
    const parts = child.codec.decode(message.parts);
    if (places.length > 0) tell(child, { kind: "read", places });
    const event = child.jobs.receive({ kind: "result", id, parts });
    if (event) this.#listener?.(event);
    if (child.jobs.size === 0 && !this.#isClosing) refer(child, false);
  }

  async #locate(child: Child): Promise<void> {
    try {
      tell(child, { kind: "located", driver: await this.#parts.fallback!.locate() });
    } catch (error) {
      tell(child, { kind: "located", error: encodeError(error) });
    }
  }

  /** A child could not open its backend. */
  #refuse(child: Child, error: Error): void {
    const opening = this.#opening;
    this.#opening = undefined;
    opening?.reject(error);
    if (opening) this.#isClosing = true;
    this.#kill(child, `it could not open a device: ${error.message}`);
    // A later child may: a driver that was lost comes back.
    if (!opening) this.#crashes += 1;
  }

  #kill(child: Child, reason: string): void {
    child.kill ??= { reason };
    child.process.kill("SIGKILL");
  }

  #end(child: Child, how: string): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    const reason = child.kill
      ? `the child process was killed, because ${child.kill.reason}`
      : `the child process is gone: ${how}`;
    if (!child.kill) this.#crashes += 1;
    this.#opening?.reject(new ComputeError("device-lost", `No backend could be opened: ${reason}.`));
    this.#opening = undefined;
    if (this.#crashes > this.#parts.maxCrashes) {
      this.#listener?.({
        kind: "failed",
        reason:
          `The child process ended ${this.#crashes} times in a row without a result and is not started again. ` +
          `The last time, ${reason}.`,
      });
      return;
    }
    for (const event of child.jobs.lose(reason)) this.#listener?.(event);
  }
}

/** Whether the child keeps this process alive. */
function refer({ process }: Child, isNeeded: boolean): void {
  if (isNeeded) {
    process.ref();
    process.channel?.ref();
  } else {
    process.unref();
    process.channel?.unref();
  }
}

function tell({ process }: Child, message: ToChild): void {
  // A message that comes too late for the child is lost with it, and its end is reported by itself.
  process.send(message, () => undefined);
}
