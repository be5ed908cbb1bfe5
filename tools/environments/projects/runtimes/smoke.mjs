/** Both backends, WGSL and SPIR-V, a device that is lost; prints "right" if every result is. */
import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { output } from "@kiln-gpu/core";
import { fieldAdd, fieldAddReference, fieldAddSpirv } from "@kiln-gpu/kernels";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { openDevice } from "@kiln-gpu/webgpu";

const options = { fallback: softwareGpu };
const a = Float32Array.from({ length: 1000 }, (_, i) => i / 7);
const b = Float32Array.from({ length: 1000 }, (_, i) => 1 / (i + 1));
const expected = fieldAddReference(a, b);

async function check(name, gpu, kernel, meanwhile) {
  const running = gpu.run(kernel, { a, b, c: output(Float32Array, a.length) });
  meanwhile?.();
  const { c } = await running;
  const wrong = c.findIndex((value, i) => value !== expected[i]);
  if (wrong >= 0) throw new Error(`${name}: element ${wrong} is ${c[wrong]}, and must be ${expected[wrong]}.`);
}

function expectNothingLive({ devices, pipelines, bindGroups, buffers }) {
  for (const [name, { live }] of Object.entries({ devices, pipelines, bindGroups, buffers })) {
    if (live !== 0) throw new Error(`${live} ${name} are left.`);
  }
}

const oneShot = await openOneShotBackend(options);
await check("one-shot, WGSL", oneShot, fieldAdd);
await check("one-shot, SPIR-V", oneShot, fieldAddSpirv);
await oneShot.dispose();
expectNothingLive(oneShot.stats());

/** A device may be lost while it compiles: the run is told so, and nothing is left. */
async function checkLossWhileCompiling(name, openBackend, backendOptions) {
  const open = await openDevice(options);
  const gpu = await openBackend({ ...backendOptions, device: open.device });
  const rejection = gpu.run(fieldAdd, { a, b, c: output(Float32Array, a.length) }).then(
    () => "no error",
    ({ code }) => code,
  );
  open.device.destroy();
  const code = await rejection;
  if (code !== "device-lost") throw new Error(`${name}, lost while it compiles: ${code}.`);
  await gpu.dispose();
  await open.close();
  expectNothingLive(gpu.stats());
}

await checkLossWhileCompiling("one-shot", openOneShotBackend);
await checkLossWhileCompiling("persistent", openPersistentBackend, { store: false });

const devices = [];
const device = async () => {
  const open = await openDevice(options);
  devices.push(open.device);
  return open.device;
};
const persistent = await openPersistentBackend({ device, store: false });
await check("persistent, WGSL", persistent, fieldAdd);
await check("persistent, SPIR-V", persistent, fieldAddSpirv);
await check("persistent, after a loss", persistent, fieldAdd, () => devices.at(-1).destroy());
await persistent.dispose();
expectNothingLive(persistent.stats());
if (persistent.stats().devices.lost !== 1) throw new Error("One device was lost, and another number is counted.");
console.log("right");
