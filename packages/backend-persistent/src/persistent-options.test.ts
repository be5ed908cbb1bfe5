import { expect, test } from "vitest";
import { openPersistentBackend } from "./open-persistent-backend.js";
import type { PersistentBackendOptions } from "./persistent-options.js";

test.each<[Record<string, unknown>, string]>([
  [{ recovery: "no" }, '"recovery" must be true or false; got "no"'],
  [{ leakDetection: "yes" }, '"leakDetection" must be true, false or a function; got "yes"'],
  [{ store: "./x" }, '"store" must be true, false or an object of options; got "./x"'],
  [{ store: null }, '"store" must be true, false or an object of options; got null'],
  [{ lossRetries: "1" }, '"lossRetries" must be a whole number, 0 or more; got "1"'],
  [{ lossRetries: -1 }, '"lossRetries" must be a whole number, 0 or more; got -1'],
  [{ mode: "fast" }, '"mode" must be "throughput" or "latency"; got "fast"'],
  [
    { warmUp: "a name" },
    '"warmUp" must be a name of 1 to 100 letters, digits and ".", "_", "-", "@", "/"; got "a name"',
  ],
  [{ byteBudget: "64" }, '"byteBudget" must be a number, 1 or more; got "64"'],
  [{ graceMs: 0.5 }, '"graceMs" must be a number, 1 or more; got 0.5'],
  [{ deadlineMs: Number.NaN }, '"deadlineMs" must be a number, 1 or more; got NaN'],
  [{ maxSubmissions: 1.5 }, '"maxSubmissions" must be a whole number, 1 or more; got 1.5'],
  [{ maxPipelines: Number.POSITIVE_INFINITY }, '"maxPipelines" must be a whole number, 1 or more; got Infinity'],
])("opening with %o is refused before a device is opened", async (options, rest) => {
  const device = () => {
    throw new Error("A device is opened.");
  };
  await expect(openPersistentBackend({ ...options, device } as PersistentBackendOptions)).rejects.toMatchObject({
    name: "ComputeError",
    code: "invalid-option",
    message: `openPersistentBackend: ${rest}.`,
  });
});
