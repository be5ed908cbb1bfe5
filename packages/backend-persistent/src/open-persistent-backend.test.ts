import { expect, test } from "vitest";
import { openPersistentBackend, type PersistentBackendOptions } from "./open-persistent-backend.js";

test.each<[Record<string, unknown>, string]>([
  [{ recovery: "no" }, 'recovery of "no"; expected is true or false'],
  [{ poisonMemory: 1 }, "poisonMemory of 1; expected is true or false"],
  [{ leakDetection: "yes" }, 'leakDetection of "yes"; expected is true, false or a function'],
  [{ store: "./x" }, 'store of "./x"; expected is true, false or an object of options'],
  [{ store: null }, "store of null; expected is true, false or an object of options"],
  [{ lossRetries: "1" }, 'lossRetries of "1"; expected is a whole number, 0 or more'],
  [{ mode: "fast" }, 'a mode of "fast"; expected is "throughput" or "latency"'],
  [{ byteBudget: "64" }, 'a byteBudget of "64"; expected is a number, 1 or more'],
])("opening with %o is refused before a device is opened", async (options, rest) => {
  const device = () => {
    throw new Error("A device is opened.");
  };
  await expect(openPersistentBackend({ ...options, device } as PersistentBackendOptions)).rejects.toMatchObject({
    name: "ComputeError",
    code: "invalid-option",
    message: `openPersistentBackend is given ${rest}.`,
  });
});
