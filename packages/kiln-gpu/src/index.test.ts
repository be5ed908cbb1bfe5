import * as oneShot from "@kiln-gpu/backend-one-shot";
import * as persistent from "@kiln-gpu/backend-persistent";
import * as core from "@kiln-gpu/core";
import * as ready from "@kiln-gpu/kernels";
import * as software from "@kiln-gpu/software-gpu";
import { checkWebGpu, gpus } from "@kiln-gpu/webgpu";
import { expect, test } from "vitest";
import * as kiln from "./index.js";
import * as kernels from "./kernels.js";

test("is the packages that it joins, none of which hides a name of another", () => {
  const parts = [oneShot, persistent, core, software, { checkWebGpu, gpus }];
  expect({ ...kiln }).toEqual(Object.assign({}, ...parts));
  expect(Object.keys(kiln)).toHaveLength(parts.reduce((count, part) => count + Object.keys(part).length, 0));
  expect({ ...kernels }).toEqual({ ...ready });
});

test("has what a first program needs", async () => {
  const { defineKernel, openPersistentBackend, output, softwareGpu } = kiln;
  const wgsl = `
    @group(0) @binding(0) var<storage, read> x: array<f32>;
    @group(0) @binding(1) var<storage, read_write> y: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&y)) { y[id.x] = x[id.x] * x[id.x]; }
    }`;
  const square = defineKernel({ label: "square", wgsl });
  await using gpu = await openPersistentBackend({ fallback: softwareGpu, software: true });
  const { y } = await gpu.run(square, { x: new Float32Array([1, 2, 3]), y: output(Float32Array, 3) });
  expect([...y]).toEqual([1, 4, 9]);
  const sum: number = await kernels.runSum(gpu, y);
  expect(sum).toBe(14);
});
