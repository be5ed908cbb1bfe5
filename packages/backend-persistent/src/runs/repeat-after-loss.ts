import { isComputeError } from "@kiln-gpu/core";
import type { Caller } from "@kiln-gpu/core/backend";
import type { DeviceKeeper } from "../device/device-keeper.js";
import type { DeviceSession } from "../device/device-session.js";

/** Work on a device that may be done again on the next one. */
export interface RepeatableWork<T> {
  attempt(session: DeviceSession): Promise<T>;
  /**
   * Called when an attempt was lost with its device.
   * @returns Whether to try again; if not, the work rejects with the loss.
   * @throws {ComputeError} What the work is to reject with instead.
   */
  beginAgain(): boolean;
  /** Called once, when the work has ended; `failure` is `undefined` if it has succeeded. */
  end?(failure: unknown): void;
}

/** Does `work` on the current device, or on the next one if there is none; and again if that device is lost. */
export async function repeatAfterLoss<T>(keeper: DeviceKeeper, caller: Caller, work: RepeatableWork<T>): Promise<T> {
  let failure: unknown;
  try {
    for (;;) {
      const session = keeper.current ?? (await keeper.next());
      try {
        return await work.attempt(session);
      } catch (error) {
        if (!isLost(error, session, caller) || !work.beginAgain()) throw error;
      } finally {
        session.trimLater();
      }
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    work.end?.(failure);
  }
}

/** Whether `error` says that the device was lost, and the caller still waits. */
function isLost(error: unknown, { open }: DeviceSession, { left }: Caller): boolean {
  return isComputeError(error, "device-lost") && !!open.loss && !left;
}
