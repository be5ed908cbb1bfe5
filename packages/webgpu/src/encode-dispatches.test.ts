import { afterAll, beforeAll, expect, it } from "vitest";
import { type EncodableDispatch, encodeDispatches } from "./encode-dispatches.js";
import { inErrorScope } from "./error-scope.js";
import { openNullDevice } from "./null-device.test-support.js";

let device: GPUDevice;
let pipelines: {
  readonly plain: GPUComputePipeline;
  readonly other: GPUComputePipeline;
  readonly immediate: GPUComputePipeline;
};
let groups: { readonly first: GPUBindGroup; readonly second: GPUBindGroup; readonly third: GPUBindGroup };

beforeAll(async () => {
  device = await openNullDevice();
  const entries = [{ binding: 0, visibility: 4, buffer: { type: "storage" as const } }];
  const layout = device.createBindGroupLayout({ entries });
  const body = "@compute @workgroup_size(1) fn main() { a[0] = f32(VALUE); b[0] = 1; }";
  const code = `
    @group(0) @binding(0) var<storage, read_write> a: array<f32>;
    @group(1) @binding(0) var<storage, read_write> b: array<f32>;`;
  const make = (text: string, immediateSize = 0) =>
    device.createComputePipeline({
      layout: device.createPipelineLayout({ bindGroupLayouts: [layout, layout], immediateSize }),
      compute: { module: device.createShaderModule({ code: text }) },
    });
  pipelines = {
    plain: make(code + body.replace("VALUE", "1")),
    other: make(code + body.replace("VALUE", "2")),
    immediate: make(`var<immediate> value: u32;${code}${body.replace("VALUE", "value")}`, 4),
  };
  const bind = () => {
    const buffer = device.createBuffer({ size: 4, usage: 0x0080 });
    return device.createBindGroup({ layout, entries: [{ binding: 0, resource: { buffer } }] });
  };
  groups = { first: bind(), second: bind(), third: bind() };
});
afterAll(() => device.destroy());

/** Records `dispatches` into a real pass, which the device then validates, and tells the calls that were made. */
async function record(dispatches: readonly EncodableDispatch[], data: readonly Uint8Array[][] = []): Promise<string[]> {
  const calls: string[] = [];
  const names = new Map<unknown, string>(
    [...Object.entries(pipelines), ...Object.entries(groups)].map(([name, it]) => [it, name]),
  );
  const plans = data.map((run) => ({ plan: { resources: run.map((bytes) => ({ data: bytes })) } }));
  const { failure } = inErrorScope(device, "validation", () => {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    const listening = new Proxy(pass, {
      get: (_, name) => {
        return (...args: unknown[]) => {
          calls.push([name, ...args.map((arg) => names.get(arg) ?? String(arg))].join(" "));
          (pass as unknown as Record<string | symbol, (...args: unknown[]) => void>)[name]!(...args);
        };
      },
    });
    encodeDispatches(listening, dispatches, plans as never);
    pass.end();
    encoder.finish();
  });
  expect(await failure).toBeNull();
  return calls;
}

it("sets what differs from the dispatch before, and dispatches each", async () => {
  const { plain, other } = pipelines;
  const { first, second, third } = groups;
  const calls = await record([
    { pipeline: plain, bindGroups: [first, second], workgroups: [1, 2, 3] },
    { pipeline: plain, bindGroups: [first, second], workgroups: [4, 1, 1] },
    { pipeline: plain, bindGroups: [first, third], workgroups: [1, 1, 1] },
    { pipeline: other, bindGroups: [first, third], workgroups: [1, 1, 1] },
    { pipeline: plain, bindGroups: [second, third], workgroups: [5, 1, 1] },
  ]);
  expect(calls).toEqual([
    "setPipeline plain",
    "setBindGroup 0 first",
    "setBindGroup 1 second",
    "dispatchWorkgroups 1 2 3",
    "dispatchWorkgroups 4 1 1",
    "setBindGroup 1 third",
    "dispatchWorkgroups 1 1 1",
    "setPipeline other",
    "dispatchWorkgroups 1 1 1",
    "setPipeline plain",
    "setBindGroup 0 second",
    "dispatchWorkgroups 5 1 1",
  ]);
});

it("sets the immediates of each dispatch from its own run", async () => {
  const { first, second } = groups;
  const dispatch = { pipeline: pipelines.immediate, bindGroups: [first, second], workgroups: [1, 1, 1] } as const;
  const bytes = (value: number) => Uint8Array.of(value, 0, 0, 0);
  const calls = await record(
    [
      { ...dispatch, immediates: { run: 1, resource: 0 } },
      { ...dispatch, immediates: { run: 0, resource: 1 } },
    ],
    [[bytes(7), bytes(8)], [bytes(9)]],
  );
  expect(calls.filter((call) => call.startsWith("setImmediates"))).toEqual([
    "setImmediates 0 9,0,0,0",
    "setImmediates 0 8,0,0,0",
  ]);
});
