import { ComputeError, type DeviceInfo, isComputeError, type Kernel } from "@kiln-gpu/core";
import type { OpenDevice } from "@kiln-gpu/webgpu";
import { ArrayUse } from "../memory/array-use.js";
import { ResidentMemory } from "../memory/resident-memory.js";
import type { WarmProgram } from "../programs/manifest.js";
import { maxPrograms } from "../programs/program-history.js";
import { DeviceListeners } from "./device-listeners.js";
import { DeviceSession, type SessionParts } from "./device-session.js";
import { DeviceWaiters } from "./device-waiters.js";
import { type Counted, Totals } from "./totals.js";

export interface KeeperOptions {
  /** Opens another device. */
  readonly reopen: () => Promise<OpenDevice>;
  /** Whether a lost device is replaced. */
  readonly recovers: boolean;
  /** How many losses a run survives. */
  readonly lossRetries: number;
}

/** Between the openings of devices that were lost before they were of any use, doubled each time. */
const firstPauseMs = 10;
const longestPauseMs = 1000;
const nextMicrotask = Promise.resolve();
/** So many devices are opened at least for who waits for one, where each is lost at once. */
const minOpenings = 3;

/** Keeps one device open: when it is lost, another takes its place, with what can be made again there. */
export class DeviceKeeper {
  readonly listeners = new DeviceListeners();
  readonly #parts: SessionParts;
  readonly #options: KeeperOptions;
  /** The one in use, and those of which something is left. */
  readonly #sessions = new Set<DeviceSession>();
  readonly #totals = new Totals();
  /** The latest last, as many as there may be pipelines. */
  readonly #prepared = new Set<Kernel>();
  /** Of manifests, the latest first. */
  #warm: readonly WarmProgram[] = [];
  /** Of lost devices, to be uploaded to the next. */
  readonly #unsettled = new Set<ResidentMemory>();
  readonly #waiters: DeviceWaiters;
  #session: DeviceSession;
  #opening: Promise<void> | undefined;
  /** The latest that was handed out: `#session` one microtask later, before those who waited go on. */
  #given: DeviceSession | undefined;
  #isWarmed = false;
  #pauseMs = 0;
  #hasEnded = false;
  #isClosed = false;

  constructor(open: OpenDevice, parts: SessionParts, options: KeeperOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#waiters = new DeviceWaiters(Math.max(minOpenings, options.lossRetries + 1));
    this.#session = this.#begin(open);
    this.#watch(this.#session);
  }

  get info(): DeviceInfo {
    return this.#session.info;
  }

  /** What is to be worked on, unless its device is lost. */
  get current(): DeviceSession | undefined {
    return this.#session.open.loss ? undefined : this.#session;
  }

  /**
   * Resolves with what is to be worked on, once it is there.
   * @throws {ComputeError} `device-lost` where the device is not replaced, or no other can be opened now.
   */
  next(): Promise<DeviceSession> {
    const { current } = this;
    if (current) return Promise.resolve(current);
    const refusal = this.#refusal();
    if (refusal) return Promise.reject(refusal);
    if (this.#given && !this.#given.open.loss) return Promise.resolve(this.#given);
    const session = this.#waiters.wait();
    this.#opening ??= this.#replace();
    return session;
  }

  /** Lets `kernel` be prepared again whenever another device is opened. */
  remember(kernel: Kernel): void {
    this.#prepared.delete(kernel);
    this.#prepared.add(kernel);
    const [oldest] = this.#prepared;
    if (this.#prepared.size > this.#parts.limits.maxPipelines) this.#prepared.delete(oldest!);
  }

  /** Lets `programs` be compiled whenever another device is opened, with all that runs have used until then. */
  rememberToWarm(programs: readonly WarmProgram[]): void {
    this.#warm = [...programs, ...this.#warm].slice(0, maxPrograms);
    this.#isWarmed = true;
  }

  stats(): Counted {
    for (const session of this.#sessions) {
      if (!session.isGone) continue;
      this.#sessions.delete(session);
      this.#totals.add(session);
    }
    return this.#totals.with([...this.#sessions]);
  }

  /** Ends what callers hold of the device, and will: a run may be waiting for it. Nothing more is compiled ahead. */
  end(): void {
    this.#hasEnded = true;
    for (const session of this.#sessions) endWithin(session);
    for (const array of this.#unsettled) array.dispose();
    this.#waiters.refuse(this.#parts.runs.disposed());
  }

  /** Frees everything, unless a caller still has a part of it: nobody can ask for anything more. */
  abandon(): void {
    for (const { holders } of this.#sessions) for (const _ of holders.all()) return;
    this.close();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening;
    await Promise.all([...this.#sessions].map((session) => session.close()));
    this.listeners.clear();
  }

  #begin(open: OpenDevice): DeviceSession {
    const session = new DeviceSession(open, this.#parts);
    this.#sessions.add(session);
    if (this.#hasEnded) endWithin(session);
    return session;
  }

  /** At once, where the device is lost already, as a caller's own may be. */
  #watch(session: DeviceSession): void {
    session.open.onLoss((reason) => this.#lose(session, reason));
  }

  #lose(session: DeviceSession, reason: ComputeError): void {
    if (this.#isClosed) return;
    const lost: string[] = [];
    session.holders.freeDropped();
    for (const { what, holder, isGivenBack } of session.holders.all()) {
      if (this.#options.recovers && holder instanceof ResidentMemory && holder.isRecoverable) {
        this.#unsettled.add(holder);
      } else {
        holder.lose(reason);
        if (!isGivenBack) lost.push(what);
      }
    }
    this.#waiters.lose(reason);
    ArrayUse.renewAll(
      [...this.#unsettled].map((array) => array.survive()),
      reason,
    );
    session.close();
    // What restores arrays on a device that nobody is given is of no use yet.
    const hasServed = session.hasServed && (session === this.#session || session === this.#given);
    if (hasServed) this.#pauseMs = 0;
    // A device that is lost whenever it is opened is opened again by those who need one.
    const isRecovering = this.#refusal() === undefined;
    if (isRecovering && hasServed) this.next().catch(() => undefined);
    this.#parts.runs.recorder?.deviceLost(session.info.name, reason);
    this.listeners.emit("lost", { reason, lost, isRecovering });
  }

  /** Why no other device is going to be opened, if so. */
  #refusal(): ComputeError | undefined {
    const { loss, info } = this.#session.open;
    if (!this.#options.recovers) return loss;
    const { maxAbandoned } = this.#parts.limits;
    const { abandoned } = this.stats().devices;
    if (abandoned < maxAbandoned) return undefined;
    return new ComputeError(
      "device-lost",
      `The device "${info.name}" has been set aside ${abandoned} times, each with a kernel that does not end, and at most ${maxAbandoned} ` +
        `such are kept (\`maxAbandoned\`); start another process. ${loss?.message ?? ""}`,
      { cause: loss },
    );
  }

  /**
   * Opens devices until nobody waits for one.
   *
   * Invariant: nothing can be asked of the device before those who wait for it have gone on, in the order in which they
   * came. So it is the current one first of all, and the others follow without a pause.
   */
  async #replace(): Promise<void> {
    while (this.#waiters.count > 0) {
      const restored: string[] = [];
      try {
        const session = await this.#openAnother(restored);
        if (session.open.loss) continue;
        this.#given = session;
        nextMicrotask.then(() => {
          this.#session = session;
          this.#recover(session, restored);
        });
        this.#waiters.give(session);
      } catch (error) {
        this.#waiters.refuse(error);
      }
    }
    this.#opening = undefined;
  }

  /** @param restored Filled with what the arrays that were restored are. */
  async #openAnother(restored: string[]): Promise<DeviceSession> {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const session = await this.#open();
    for (const array of this.#unsettled) if (await this.#restore(array, session)) restored.push(array.what);
    return session;
  }

  /** Whether `array` is what it was again; where the device is lost meanwhile, the next one may have it. */
  async #restore(array: ResidentMemory, session: DeviceSession): Promise<boolean> {
    if (session.open.loss) return false;
    try {
      const isRestored = await array.restore(session.arrays);
      if (!session.open.loss) this.#unsettled.delete(array);
      return isRestored;
    } catch (error) {
      if (session.open.loss) return false;
      this.#unsettled.delete(array);
      array.lose(error as ComputeError);
      return false;
    }
  }

  async #open(): Promise<DeviceSession> {
    // Whoever waits for it is told by `dispose`.
    if (this.#isClosed) throw this.#parts.runs.disposed();
    let open: OpenDevice;
    try {
      open = await this.#options.reopen();
    } catch (cause) {
      const why = isComputeError(cause) ? cause.message : String(cause);
      throw new ComputeError("device-lost", `${this.#session.open.loss!.message} No other can be opened: ${why}`, {
        cause,
      });
    }
    const session = this.#begin(open);
    this.#watch(session);
    if (this.#isClosed) throw this.#parts.runs.disposed();
    return session;
  }

  /** Tells that all is as it was, once the kernels that were prepared are again. */
  async #recover(session: DeviceSession, restored: readonly string[]): Promise<void> {
    // Those who wait for the device go first.
    await undefined;
    const used = this.#parts.history.used.values();
    const warmed = this.#isWarmed && session.programs.warmUp([...used, ...this.#warm]);
    const prepared: string[] = [];
    for (const kernel of [...this.#prepared]) {
      if (this.#hasEnded) return;
      try {
        await session.prepare(kernel);
        prepared.push(kernel.label);
      } catch {
        // Its next run tells why.
      }
    }
    await warmed;
    if (this.current !== session) return;
    this.#parts.runs.recorder?.deviceRecovered(session.info.name);
    this.listeners.emit("recovered", { device: session.info, restored, prepared });
  }
}

function endWithin({ holders, programs }: DeviceSession): void {
  holders.end();
  programs.endWarmUps();
}
