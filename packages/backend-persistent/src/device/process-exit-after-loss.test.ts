/**
 * How a process ends whose device was lost, replaced, or is being replaced. What Node would print of a rejection that
 * nobody handles is seen.
 */

import { expectExit, runScript } from "@kiln-gpu/test-support/node";
import { describe, it } from "vitest";

const prelude = `
  import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
  import { runFieldAdd } from "@kiln-gpu/kernels";
  import { softwareGpu } from "@kiln-gpu/software-gpu";
  import { openDevice } from "@kiln-gpu/webgpu";
  const devices = [];
  const device = async () => {
    const open = await openDevice({ fallback: softwareGpu, software: true });
    devices.push(open.device);
    return open.device;
  };
  const lose = () => devices.at(-1).destroy();
  const add = async (gpu) => {
    const c = await runFieldAdd(gpu, new Float32Array(100).fill(1), new Float32Array(100).fill(2));
    return c.length === 100 && c.every((value) => value === 3) ? "right" : "wrong";
  };
  const codeOf = ({ code }) => code;
  const later = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
  process.on("exit", (code) => console.log("exit", code));
`;

const run = (body: string) => runScript(prelude + body, { from: import.meta.dirname });

describe.concurrent("a process whose device is lost", () => {
  it("ends by itself, with the device replaced and no dispose", async () => {
    const body = `
      const gpu = await openPersistentBackend({ device, store: false });
      console.log(await add(gpu));
      const recovered = new Promise((resolve) => gpu.on("recovered", resolve));
      lose();
      await recovered;
      console.log(await add(gpu), gpu.stats().devices.made);`;
    await expectExit(run(body), 0, "right\nright 2\nexit 0\n");
  });

  it("ends by itself at once, while another is opened", async () => {
    const body = `
      const gpu = await openPersistentBackend({ device, store: false });
      await add(gpu);
      void add(gpu);
      lose();`;
    await expectExit(run(body), 0, "exit 0\n");
  });

  it("ends by itself where the device is not replaced", async () => {
    const body = `
      const gpu = await openPersistentBackend({ device, recovery: false, store: false });
      await add(gpu);
      const run = add(gpu).catch(codeOf);
      lose();
      console.log(await run, await add(gpu).catch(codeOf));
      const own = await openPersistentBackend({ device: await device(), store: false });
      await add(own);
      lose();
      console.log(await add(own).catch(codeOf));`;
    await expectExit(run(body), 0, "device-lost device-lost\ndevice-lost\nexit 0\n");
  });

  it("ends by itself where no other can be opened", async () => {
    const body = `
      let isBroken = false;
      const broken = () => (isBroken ? Promise.reject(new Error("the driver is gone")) : device());
      const gpu = await openPersistentBackend({ device: broken, store: false });
      await add(gpu);
      isBroken = true;
      lose();
      console.log(await add(gpu).catch(codeOf));
      await gpu.dispose();`;
    await expectExit(run(body), 0, "device-lost\nexit 0\n");
  });

  it("ends by itself after dispose before, while and after another is opened, and after a second dispose", async () => {
    const body = `
      for (const ms of [undefined, 0, 1, 5, 20, 50]) {
        const gpu = await openPersistentBackend({ device, store: false });
        await add(gpu);
        const runs = [add(gpu).catch(codeOf), add(gpu).catch(codeOf)];
        lose();
        if (ms !== undefined) await later(ms);
        await Promise.all([gpu.dispose(), gpu.dispose()]);
        await gpu[Symbol.asyncDispose]();
        const ends = await Promise.all(runs);
        if (ends.some((end) => !["right", "device-lost", "disposed"].includes(end))) console.log(ms, ends);
        const { devices: { live }, buffers } = gpu.stats();
        if (live + buffers.live > 0) console.log(ms, live, buffers);
      }
      await new Promise((resolve) => setImmediate(resolve));
      console.log(process.getActiveResourcesInfo().filter((resource) => resource !== "PipeWrap"));`;
    await expectExit(run(body), 0, "[]\nexit 0\n");
  });
});
