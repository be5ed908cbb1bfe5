import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { ComputeError } from "@kiln-gpu/core";
import { RunLedger } from "@kiln-gpu/core/backend";
import { expect, test } from "vitest";
import { diagnosticsChannel } from "./node.js";

const names = ["kiln:run", "kiln:task", "kiln:submission", "kiln:device"];

test("publishes each kind on its own channel, and records nothing without a subscriber", async () => {
  const tracer = diagnosticsChannel();
  const ledger = new RunLedger("test", tracer);
  const told: [string | symbol, unknown][] = [];
  const listen = (message: unknown, name: string | symbol) => void told.push([name, message]);
  const work = async (): Promise<boolean> => {
    let isTraced = false;
    await ledger.start("k", {}, async (caller) => {
      isTraced = caller.trace !== undefined;
      const submission = ledger.recorder!.beginSubmission([{ caller }]);
      if (submission) ledger.recorder!.endSubmission(submission);
    });
    await ledger.startTask("The task", {}, async () => {});
    ledger.recorder!.deviceLost("d", new ComputeError("device-lost", "It is gone."));
    return isTraced;
  };
  expect(await work()).toBe(false);
  // A channel without references would be collected, together with its subscribers.
  globalThis.gc?.();
  for (const name of names) subscribe(name, listen);
  expect(tracer.isEnabled).toBe(true);
  expect(await work()).toBe(true);
  for (const name of names) unsubscribe(name, listen);
  expect(await work()).toBe(false);
  expect(told).toMatchObject([
    ["kiln:submission", { kind: "submission", work: [1] }],
    ["kiln:run", { kind: "run", label: "k", id: 1 }],
    ["kiln:task", { kind: "task", label: "The task" }],
    ["kiln:device", { kind: "device", change: "lost" }],
  ]);
});

test.each(names)("one subscriber of %s enables the tracer", (name) => {
  const tracer = diagnosticsChannel();
  const listen = () => {};
  expect(tracer.isEnabled).toBe(false);
  subscribe(name, listen);
  expect(tracer.isEnabled).toBe(true);
  unsubscribe(name, listen);
  expect(tracer.isEnabled).toBe(false);
});
