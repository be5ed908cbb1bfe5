import { ComputeError, type DeviceLost } from "@kiln-gpu/core";
import { afterEach, expect, test, vi } from "vitest";
import { DeviceListeners } from "./device-listeners.js";

afterEach(() => void vi.restoreAllMocks());

const loss: DeviceLost = { reason: new ComputeError("device-lost", "It is lost."), lost: [], isRecovering: true };

test("listeners are told of their event in the order in which they came", () => {
  const listeners = new DeviceListeners();
  const told: [string, unknown][] = [];
  listeners.on("lost", (event) => told.push(["first", event]));
  listeners.on("recovered", () => told.push(["of the other", undefined]));
  listeners.on("lost", (event) => told.push(["second", event]));
  listeners.emit("lost", loss);
  expect(told).toEqual([
    ["first", loss],
    ["second", loss],
  ]);
});

test("a function that listens twice is told twice, and forgotten once for each", () => {
  const listeners = new DeviceListeners();
  const listener = vi.fn();
  const forget = listeners.on("lost", listener);
  listeners.on("lost", listener);
  listeners.emit("lost", loss);
  expect(listener).toHaveBeenCalledTimes(2);
  forget();
  forget();
  listeners.emit("lost", loss);
  expect(listener).toHaveBeenCalledTimes(3);
});

test("a listener that is added while others are told is told of the next event", () => {
  const listeners = new DeviceListeners();
  const late = vi.fn();
  const forget = listeners.on("lost", () => {
    forget();
    listeners.on("lost", late);
  });
  listeners.emit("lost", loss);
  expect(late).not.toHaveBeenCalled();
  listeners.emit("lost", loss);
  expect(late).toHaveBeenCalledOnce();
});

test("what a listener throws is thrown where nothing catches it, once the others are told", () => {
  const queued = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => undefined);
  const listeners = new DeviceListeners();
  const defect = new Error("a defect of the listener's");
  const other = vi.fn();
  listeners.on("lost", () => {
    throw defect;
  });
  listeners.on("lost", other);
  listeners.emit("lost", loss);
  expect(other).toHaveBeenCalledOnce();
  expect(queued.mock.calls).toHaveLength(1);
  expect(queued.mock.calls[0]![0]).toThrow(defect);
});
