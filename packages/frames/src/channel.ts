/**
 * Jobs over a channel that passes messages, such as that of a child process or a `MessagePort`. The channel belongs to
 * one client and one server, and keeps the order of its messages.
 */
import type { IncomingJob, JobServer } from "./job-server.js";
import type { OutgoingJob, TransportEvent } from "./transport.js";

/** What a client tells its server. */
export type ToServer =
  | {
      readonly kind: "job";
      readonly id: string;
      readonly parts: readonly Uint8Array[];
      /** The programs that were not sent before. */
      readonly programs: readonly (readonly [hash: string, program: Uint8Array])[];
    }
  | { readonly kind: "cancel"; readonly id: string }
  /** The answer to `need`; without `bytes` if no job needs the program any more. */
  | { readonly kind: "program"; readonly hash: string; readonly bytes?: Uint8Array };

/** What a server tells its client. */
export type ToClient =
  | { readonly kind: "result"; readonly id: string; readonly parts: readonly Uint8Array[] }
  /** The server has forgotten this program, and a job needs it. */
  | { readonly kind: "need"; readonly hash: string };

/** The client's end of a channel: what is on its way to the server, and what the server has been told. */
export class ChannelClient {
  readonly #post: (message: ToServer) => void;
  readonly #jobs = new Map<string, OutgoingJob>();
  readonly #sentPrograms = new Set<string>();

  /** @param post Sends a message. It does not keep the memory of `parts`, which belongs to callers. */
  constructor(post: (message: ToServer) => void) {
    this.#post = post;
  }

  /** How many jobs have not come back. */
  get size(): number {
    return this.#jobs.size;
  }

  has(id: string): boolean {
    return this.#jobs.has(id);
  }

  send(job: OutgoingJob): void {
    const { id, parts } = job;
    if (this.#jobs.has(id)) return;
    const programs = [...job.programs].filter(([hash]) => !this.#sentPrograms.has(hash));
    this.#post({ kind: "job", id, parts, programs });
    for (const [hash] of programs) this.#sentPrograms.add(hash);
    this.#jobs.set(id, job);
  }

  cancel(id: string): void {
    if (this.#jobs.has(id)) this.#post({ kind: "cancel", id });
  }

  /** What a message of the server means to the client of the transport, if it does. */
  receive(message: ToClient): TransportEvent | undefined {
    if (message.kind === "result") {
      this.#jobs.delete(message.id);
      return message;
    }
    const { hash } = message;
    const job = [...this.#jobs.values()].find(({ programs }) => programs.has(hash));
    const bytes = job?.programs.get(hash);
    this.#post({ kind: "program", hash, ...(bytes && { bytes }) });
    return undefined;
  }

  /** The events of a server that is gone. */
  lose(reason: string): TransportEvent[] {
    const events = [...this.#jobs.keys()].map((id) => ({ kind: "lost", id, reason }) as const);
    this.#jobs.clear();
    return events;
  }
}

/** A job of a channel. Most callers cannot leave, so its signal is made when it is asked for. */
class RunningJob implements IncomingJob {
  readonly parts: readonly Uint8Array[];
  readonly findProgram: IncomingJob["findProgram"];
  #controller: AbortController | undefined;

  constructor(parts: readonly Uint8Array[], findProgram: IncomingJob["findProgram"]) {
    this.parts = parts;
    this.findProgram = findProgram;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  abort(): void {
    this.#controller ??= new AbortController();
    this.#controller.abort();
  }
}

/** The server's end of a channel. */
export class ChannelServer {
  readonly #server: JobServer;
  readonly #post: (message: ToClient) => void;
  readonly #running = new Map<string, RunningJob>();
  /** Programs that came with a job and were not asked for yet. */
  readonly #arrived = new Map<string, Uint8Array>();
  /** Those that were asked for and have not come. */
  readonly #needed = new Map<string, ((bytes: Uint8Array | undefined) => void)[]>();

  constructor(server: JobServer, post: (message: ToClient) => void) {
    this.#server = server;
    this.#post = post;
  }

  receive(message: ToServer): void {
    if (message.kind === "cancel") return this.#running.get(message.id)?.abort();
    if (message.kind === "program") {
      const { hash, bytes } = message;
      for (const resolve of this.#needed.get(hash) ?? []) resolve(bytes);
      this.#needed.delete(hash);
      return;
    }
    const { id, parts, programs } = message;
    for (const [hash, bytes] of programs) this.#arrived.set(hash, bytes);
    const job = new RunningJob(parts, (hash) => this.#find(hash));
    this.#running.set(id, job);
    this.#server.run(job).then((answer) => {
      this.#running.delete(id);
      this.#post({ kind: "result", id, parts: answer });
    });
  }

  async #find(hash: string): Promise<Uint8Array> {
    const bytes = this.#arrived.get(hash) ?? (await this.#ask(hash));
    this.#arrived.delete(hash);
    // The job that needed it has been taken back.
    return bytes ?? new Uint8Array(0);
  }

  #ask(hash: string): Promise<Uint8Array | undefined> {
    return new Promise((resolve) => {
      const others = this.#needed.get(hash);
      this.#needed.set(hash, [...(others ?? []), resolve]);
      if (!others) this.#post({ kind: "need", hash });
    });
  }
}
