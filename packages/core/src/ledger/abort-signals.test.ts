import { expect, test, vi } from "vitest";
import { AbortSignals } from "./abort-signals.js";

function observed() {
  const controller = new AbortController();
  const { signal } = controller;
  return {
    controller,
    signal,
    added: vi.spyOn(signal, "addEventListener"),
    removed: vi.spyOn(signal, "removeEventListener"),
  };
}

test("a signal has one listener however many calls wait on it, and none when the last has gone", () => {
  const { signal, added, removed } = observed();
  const signals = new AbortSignals();
  const listeners = Array.from({ length: 40 }, () => () => {});
  for (const listener of listeners) signals.add(signal, listener);
  expect(added).toHaveBeenCalledTimes(1);
  for (const listener of listeners.slice(1)) signals.delete(signal, listener);
  expect(removed).not.toHaveBeenCalled();
  signals.delete(signal, listeners[0]!);
  expect(removed).toHaveBeenCalledExactlyOnceWith("abort", added.mock.calls[0]![1]);
});

test("an abort is told once to all that wait then, in order, and to no others", () => {
  const { controller, signal } = observed();
  const signals = new AbortSignals();
  const told: string[] = [];
  const first = () => told.push("first");
  const gone = () => told.push("gone");
  signals.add(signal, first);
  signals.add(signal, gone);
  signals.add(signal, () => {
    told.push("last");
    signals.delete(signal, first);
  });
  signals.delete(signal, gone);
  signals.delete(signal, gone);
  controller.abort();
  expect(told).toEqual(["first", "last"]);
});

test("a signal that was left is listened to again", () => {
  const { controller, signal } = observed();
  const signals = new AbortSignals();
  const told = vi.fn();
  signals.add(signal, told);
  signals.delete(signal, told);
  signals.add(signal, told);
  controller.abort();
  expect(told).toHaveBeenCalledTimes(1);
});
