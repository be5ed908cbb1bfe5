import { runScript } from "@kiln-gpu/test-support/node";
import { expect, it } from "vitest";

/** A timer this long costs nothing; the one of `maxIdleMs` is longer. */
const longMs = 10_000;

it("an open backend with nothing to do asks for no turn of the event loop, whatever it and its callers hold", async () => {
  const { code, output } = await runScript(
    `
    // The callbacks that are pending, with their delays.
    const pending = new Map();
    const { setTimeout: later, setImmediate: soon, setInterval: repeatedly } = globalThis;
    const once = (ask, ms, callback) => {
      const handle = ask(() => {
        pending.delete(handle);
        callback();
      });
      pending.set(handle, ms);
      return handle;
    };
    globalThis.setTimeout = (callback, ms) => once((call) => later(call, ms), ms, callback);
    globalThis.setImmediate = (callback) => once(soon, 0, callback);
    // An interval that clears itself does so when it fires; that need not take seconds.
    globalThis.setInterval = (callback, ms) => {
      const handle = repeatedly(callback, ms / 100);
      pending.set(handle, 0);
      return handle;
    };
    for (const name of ["clearTimeout", "clearImmediate", "clearInterval"]) {
      const clear = globalThis[name];
      globalThis[name] = (handle) => {
        pending.delete(handle);
        clear(handle);
      };
    }
    const { openPersistentBackend } = await import("@kiln-gpu/backend-persistent");
    const { lease, output } = await import("@kiln-gpu/core");
    const { fieldAdd, runFieldAdd } = await import("@kiln-gpu/kernels");
    const { softwareGpu } = await import("@kiln-gpu/software-gpu");
    const gpu = await openPersistentBackend({ fallback: softwareGpu, software: true, store: false });
    const one = new Float32Array(100_000).fill(1);
    const runs = Array.from({ length: 50 }, () => runFieldAdd(gpu, one, one));
    if (pending.size === 0) console.log("nothing is seen of the wait for the device");
    await Promise.all(runs);
    const array = await gpu.array(one);
    const staged = await gpu.stage(Float32Array, 1000);
    const { c } = await gpu.run(fieldAdd, { a: one, b: array, c: lease(Float32Array, one.length) });
    if (c.data.some((value) => value !== 2)) console.log("the sum is wrong");
    // A timer that fires once goes away. A loop that polls always has one pending.
    const short = () => [...pending.values()].filter((ms) => ms < ${longMs});
    while (short().length > 0) await new Promise((resolve) => later(resolve, 1));
    console.log("idle");
    for (const each of [array, staged, c]) each[Symbol.dispose]();
    await gpu.dispose();`,
    { from: import.meta.dirname },
  );
  expect({ code, output }).toEqual({ code: 0, output: "idle\n" });
});
