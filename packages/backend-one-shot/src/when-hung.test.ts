import { ComputeError } from "@kiln-gpu/core";
import { Caller } from "@kiln-gpu/core/backend";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { whenHung } from "./when-hung.js";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const onHang = vi.fn();
beforeEach(() => void onHang.mockReset());

const leave = (caller: Caller) => caller.leave(new ComputeError("aborted", "The caller has left."));

test("tells of work that goes on for the whole grace period after its caller has left", () => {
  const caller = new Caller(true);
  whenHung(caller, 100, onHang);
  vi.advanceTimersByTime(10_000);
  leave(caller);
  vi.advanceTimersByTime(99);
  expect(onHang).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1);
  expect(onHang).toHaveBeenCalledOnce();
});

test("is silent about work that ends within the grace period", () => {
  const caller = new Caller(true);
  const end = whenHung(caller, 100, onHang);
  leave(caller);
  vi.advanceTimersByTime(99);
  end();
  expect(vi.getTimerCount()).toBe(0);
});

test("is silent about work that ends before its caller leaves", () => {
  const caller = new Caller(true);
  whenHung(caller, 100, onHang)();
  leave(caller);
  expect(vi.getTimerCount()).toBe(0);
});
