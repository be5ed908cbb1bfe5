import { expect, test } from "vitest";
import { checkGpu } from "./check-gpu.js";
import { chooseGpu } from "./choose-gpu.js";
import { gpuOfName } from "./gpu-info.js";

const h200 = (index: number, letter: string, bus: string) => ({
  index,
  name: "NVIDIA H200",
  uuid: `70532dc4-1f0e-9d3c-0a57-00000000000${letter}`,
  pciAddress: `0000:${bus}:00.0`,
  driver: "NVIDIA 580.159.04",
  kind: "discrete" as const,
});
const [first, second] = [h200(0, "a", "0a"), h200(1, "b", "1b")];
const found = [first, second];

test.each<[string | number]>([
  [1],
  [second.uuid],
  [`GPU-${second.uuid}`],
  [second.uuid.toUpperCase()],
  [second.pciAddress],
  ["00000000:1B:00.0"],
  ["1b:00.0"],
])("finds a GPU by %j", (gpu) => {
  checkGpu(gpu);
  expect(chooseGpu(gpu, found)).toBe(second);
});

test.each([[-1], [0.5], [""], ["H200"], ["GPU-70532dc4"], [null], [{}]])("refuses the form of %j", (gpu) => {
  expect(() => checkGpu(gpu)).toThrow(
    expect.objectContaining({
      code: "invalid-option",
      message: expect.stringMatching(/^The option "gpu" must be the UUID, the PCI address .*; got .+\.$/),
    }),
  );
});

test("lists the GPUs there are if none is the one that is asked for", () => {
  const list =
    `0 is "NVIDIA H200", UUID ${first.uuid}, PCI address 0000:0a:00.0; ` +
    `1 is "NVIDIA H200", UUID ${second.uuid}, PCI address 0000:1b:00.0.`;
  expect(() => chooseGpu(2, found)).toThrow(`No GPU has the index 2; found: ${list}`);
  expect(() => chooseGpu("0000:0b:00.0", found)).toThrow(`No GPU has "0000:0b:00.0"; found: ${list}`);
  expect(() => chooseGpu(0, [])).toThrow("No GPU has the index 0; found: none.");
});

test("refuses to choose between two drivers of one GPU", () => {
  const twice = [first, { ...first, index: 1, driver: "NVK" }];
  expect(() => chooseGpu(first.uuid, twice)).toThrow(`2 GPUs have "${first.uuid}"; found: 0 is "NVIDIA H200"`);
  expect(() => chooseGpu(first.uuid, twice)).toThrow("Give the index of one.");
  expect(chooseGpu(1, twice)).toBe(twice[1]);
});

test("says where only names are known", () => {
  const named = [gpuOfName("Apple M4", 0)];
  expect(chooseGpu(0, named)).toBe(named[0]);
  expect(() => chooseGpu(first.uuid, named)).toThrow(
    `No GPU has "${first.uuid}"; found: 0 is "Apple M4". UUIDs and PCI addresses are known only in Node on Linux; give an ` +
      "index here.",
  );
});
