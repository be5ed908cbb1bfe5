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
  /** How many losses of its device a run survives. */
  readonly lossRetries: number;
}

/** The pause before reopening after a device that was lost before it served a run. It doubles each time. */
const firstPauseMs = 10;
const longestPauseMs = 1000;
const nextMicrotask = Promise.resolve();
/** A waiting call is rejected only after at least this many devices were lost as soon as they opened. */
const minOpenings = 3;

/** Keeps one device open. When it is lost, the keeper opens another and restores there what can be restored. */
export class DeviceKeeper {
  readonly listeners = new DeviceListeners();
  readonly #parts: SessionParts;
  readonly #options: KeeperOptions;
  /** The current session, and earlier ones that are not gone yet. */
  readonly #sessions = new Set<DeviceSession>();
  readonly #totals = new Totals();
  /** The kernels to prepare on the next device, the latest last; at most `maxPipelines`. */
  readonly #prepared = new Set<Kernel>();
  /** The programs of manifests, the latest first. */
  #warm: readonly WarmProgram[] = [];
  /** Arrays of lost devices that are still to be uploaded to the next one. */
  readonly #unsettled = new Set<ResidentMemory>();
  readonly #waiters: DeviceWaiters;
  #session: DeviceSession;
  #opening: Promise<void> | undefined;
  /**
   * The session that `next()` resolves with. It becomes `#session` one microtask later, so callers already waiting run
   * before any new call sees it.
   */
  #given: DeviceSession | undefined;
  #isWarmed = false;
  #pauseMs = 0;
  #hasEnded = false;
  #isClosed = false;

  constructor(open: OpenDevice, parts: SessionParts, options: KeeperOptions) {
    this.#parts = parts;
    this.#options = options;
    this.#waiters = new DeviceWaiters(Math.max(minOpenings, options.lossRetries + 1));
    const session = this.#begin(open);
    this.#session = session;
    session.watch((reason) => this.#lose(session, reason));
  }

  get info(): DeviceInfo {
    return this.#session.info;
  }

  /** The session to work on; `undefined` if its device is lost. */
  get current(): DeviceSession | undefined {
    return this.#session.open.loss ? undefined : this.#session;
  }

  /**
   * Resolves with the session to work on, once there is one.
   * @throws {ComputeError} `device-lost` if the device is not replaced, or no other can be opened now.
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

  /** Prepares `kernel` again whenever another device is opened. */
  remember(kernel: Kernel): void {
    this.#prepared.delete(kernel);
    this.#prepared.add(kernel);
    const [oldest] = this.#prepared;
    if (this.#prepared.size > this.#parts.limits.maxPipelines) this.#prepared.delete(oldest!);
  }

  /** Compiles `programs` whenever another device is opened, along with every program that runs have used by then. */
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

  /** Ends everything that callers hold or will hold, since runs may wait for it. Nothing more is compiled ahead. */
  end(): void {
    this.#hasEnded = true;
    for (const session of this.#sessions) endWithin(session);
    for (const array of this.#unsettled) array.dispose();
    this.#waiters.refuse(this.#parts.runs.disposed());
  }

  /**
   * Frees everything, unless a caller still holds a part of it. For a backend that was dropped, so no call can come.
   */
  closeUnlessHeld(): void {
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
    // A submission that restored arrays does not count if no caller was given the device.
    const hasServed = session.hasServed && (session === this.#session || session === this.#given);
    if (hasServed) this.#pauseMs = 0;
    // If devices are lost as soon as they open, the next one is opened only when a call needs it.
    const isRecovering = this.#refusal() === undefined;
    if (isRecovering && hasServed) this.next().catch(() => undefined);
    this.#parts.runs.recorder?.deviceLost(session.info.name, reason);
    this.listeners.emit("lost", { reason, lost, isRecovering });
  }

  /** The reason if no other device will be opened. */
  #refusal(): ComputeError | undefined {
    const { loss, info } = this.#session.open;
    if (!this.#options.recovers) return loss;
    const { maxAbandoned } = this.#parts.limits;
    const { abandoned } = this.stats().devices;
    if (abandoned < maxAbandoned) return undefined;
    return new ComputeError(
      "device-lost",
      `The device "${info.name}" has been abandoned ${abandoned} times, each time with a kernel that does not end; at most ` +
        `${maxAbandoned} are allowed (\`maxAbandoned\`). Start another process. ${loss?.message ?? ""}`,
      { cause: loss },
    );
  }

  /**
   * Opens devices until no call waits for one.
   *
   * Invariant: the calls that wait for a device go on in the order in which they came, and no new call sees the device
   * before them.
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

  /** @param restored Receives the descriptions of the restored arrays. */
  async #openAnother(restored: string[]): Promise<DeviceSession> {
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(Math.max(pauseMs * 2, firstPauseMs), longestPauseMs);
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    const session = await this.#open();
    for (const array of this.#unsettled) if (await this.#restore(array, session)) restored.push(array.what);
    return session;
  }

  /** Returns whether `array` is restored. If the device is lost meanwhile, the array waits for the next one. */
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
    // Calls that wait for a device reject with this too.
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
    session.watch((reason) => this.#lose(session, reason));
    if (this.#isClosed) throw this.#parts.runs.disposed();
    return session;
  }

  /** Prepares kernels again, then reports the recovery. */
  async #recover(session: DeviceSession, restored: readonly string[]): Promise<void> {
    // Calls that waited for the device go first.
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
        // The next run of the kernel rejects with the reason.
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
