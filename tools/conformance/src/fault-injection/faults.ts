/** Every WebGPU method that the persistent backend calls, how it can fail, and how to make it fail. */
import type { DeviceCall, Interceptor } from "./faulty-device.js";

/** Makes the call with arguments that the device refuses, or says why no call can be refused. */
type Refusal = string | ((call: DeviceCall, device: GPUDevice) => unknown);

interface MethodFaults {
  readonly refused: Refusal;
  /** Whether the method allocates device memory. */
  readonly allocates?: true;
  /**
   * Whether the method never throws because it only begins or ends something. It takes effect even if its promise
   * rejects.
   */
  readonly neverThrows?: true;
}

const invalidBuffer: GPUBufferDescriptor = { size: 16, usage: 0x3 };

export const faultsOfMethods: Readonly<Record<string, MethodFaults>> = {
  "GPUDevice.createBuffer": {
    refused: ({ args: [descriptor], perform }) => perform({ ...(descriptor as object), usage: invalidBuffer.usage }),
    allocates: true,
  },
  "GPUDevice.createBindGroup": {
    refused: ({ args: [given], perform }) => {
      const descriptor = given as GPUBindGroupDescriptor;
      const entries = [...descriptor.entries];
      return perform({ ...descriptor, entries: [...entries, ...entries] });
    },
  },
  "GPUDevice.createBindGroupLayout": {
    refused: ({ perform }) => {
      const entry = { binding: 0, visibility: 4, buffer: { type: "uniform" } };
      return perform({ entries: [entry, entry] });
    },
  },
  "GPUDevice.createPipelineLayout": {
    refused: ({ args: [given], perform }, { limits }) => {
      const [first] = (given as { bindGroupLayouts: GPUBindGroupLayout[] }).bindGroupLayouts;
      return perform({ bindGroupLayouts: new Array(limits.maxBindGroups + 1).fill(first) });
    },
  },
  "GPUDevice.createShaderModule": { refused: ({ perform }) => perform({ code: "no shader" }) },
  "GPUDevice.createComputePipelineAsync": {
    refused: ({ args: [given], perform }) => {
      const descriptor = given as GPUComputePipelineDescriptor;
      return perform({ ...descriptor, compute: { ...descriptor.compute, entryPoint: "missing" } });
    },
  },
  "GPUDevice.createQuerySet": { refused: ({ perform }) => perform({ type: "timestamp", count: 1_000_000 }) },
  "GPUDevice.createCommandEncoder": { refused: "there is nothing in it that a device checks" },
  "GPUDevice.pushErrorScope": { refused: "every filter that is one is taken", neverThrows: true },
  "GPUDevice.popErrorScope": { refused: "the error that it tells of is another call's", neverThrows: true },
  "GPUQueue.submit": {
    refused: ({ args: [commands], perform }, device) => {
      const encoder = device.createCommandEncoder();
      encoder.pushDebugGroup("never closed");
      return perform([...(commands as GPUCommandBuffer[]), encoder.finish()]);
    },
  },
  "GPUQueue.writeBuffer": {
    refused: ({ args: [buffer, _, ...data], perform }) => perform(buffer, 2 ** 31, ...data),
  },
  "GPUQueue.onSubmittedWorkDone": { refused: "it takes nothing" },
  "GPUBuffer.mapAsync": { refused: ({ args: [mode], perform }) => perform(mode, 4) },
  "GPUBuffer.getMappedRange": { refused: "a range that is none throws" },
  "GPUBuffer.unmap": { refused: "it takes nothing, and every buffer may be unmapped", neverThrows: true },
  "GPUBuffer.destroy": { refused: "it takes nothing, and every buffer may be destroyed", neverThrows: true },
  "GPUQuerySet.destroy": { refused: "it takes nothing, and every query set may be destroyed", neverThrows: true },
  "GPUShaderModule.getCompilationInfo": { refused: "it takes nothing, and every module has one" },
  "GPUCommandEncoder.beginComputePass": { refused: twice },
  "GPUCommandEncoder.copyBufferToBuffer": {
    refused: ({ args: [source, from, target, to], perform }) => perform(source, from, target, to, 3),
  },
  "GPUCommandEncoder.clearBuffer": { refused: ({ args: [buffer], perform }) => perform(buffer, 2, 4) },
  "GPUCommandEncoder.resolveQuerySet": {
    refused: ({ args: [queries, _, __, ...target], perform }) => perform(queries, 1, 2, ...target),
  },
  "GPUCommandEncoder.finish": { refused: twice },
  "GPUComputePassEncoder.setPipeline": {
    refused: ({ perform }, device) => {
      device.pushErrorScope("validation");
      const module = device.createShaderModule({ code: "no shader" });
      const pipeline = device.createComputePipeline({ layout: "auto", compute: { module } });
      void device.popErrorScope();
      return perform(pipeline);
    },
  },
  "GPUComputePassEncoder.setBindGroup": { refused: ({ args: [_, group], perform }) => perform(99, group) },
  "GPUComputePassEncoder.dispatchWorkgroups": { refused: ({ perform }) => perform(70_000, 1, 1) },
  "GPUComputePassEncoder.end": { refused: twice },
};

/** A refusal for methods that may be called only once. */
function twice({ perform }: DeviceCall): unknown {
  perform();
  return perform();
}

export type Fault =
  | "throws"
  | "rejects"
  | "is refused"
  | "finds no memory once"
  | "finds no memory"
  | "finds the device lost"
  | "loses the device";

export const losesDevice = (fault: Fault) => fault === "finds the device lost" || fault === "loses the device";

/** The faults of `method`. */
export function faultsOf(method: string, isAsynchronous: boolean): Fault[] {
  const { refused, allocates, neverThrows } = faultsOfMethods[method]!;
  return [
    // A method that returns a promise never throws.
    ...(isAsynchronous ? (["rejects"] as const) : neverThrows ? [] : (["throws"] as const)),
    ...(typeof refused === "function" ? (["is refused"] as const) : []),
    ...(allocates ? (["finds no memory once", "finds no memory"] as const) : []),
    "finds the device lost",
    "loses the device",
  ];
}

/**
 * Injects a fault into call number `at` of `method`, counted from 0. If no memory is found, all later calls fail too.
 */
export class Injection {
  readonly #device: GPUDevice;
  readonly #method: string;
  readonly #fault: Fault;
  readonly #at: number;
  #calls = 0;
  #isArmed = true;
  /** The open error scopes, and whether each has an out-of-memory error to report. */
  readonly #scopes: { readonly filter: unknown; isStarved: boolean }[] = [];
  hasStruck = false;

  constructor(device: GPUDevice, method: string, fault: Fault, at: number) {
    this.#device = device;
    this.#method = method;
    this.#fault = fault;
    this.#at = at;
  }

  /** From now on every call succeeds. */
  disarm(): void {
    this.#isArmed = false;
  }

  readonly intercept: Interceptor = (call) => {
    if (call.method === "GPUDevice.pushErrorScope") this.#scopes.push({ filter: call.args[0], isStarved: false });
    if (call.method === "GPUDevice.popErrorScope" && this.#scopes.pop()?.isStarved) {
      return (call.perform() as Promise<GPUError | null>).then(() => ({ message: "no memory, says the suite" }));
    }
    if (!this.#isArmed || call.method !== this.#method) return call.perform();
    const at = this.#calls++;
    if (at !== this.#at && !(this.#fault === "finds no memory" && at > this.#at)) return call.perform();
    this.hasStruck = true;
    return this.#strike(call);
  };

  #strike(call: DeviceCall): unknown {
    const { refused, neverThrows } = faultsOfMethods[this.#method]!;
    const failure = new DOMException(`${this.#method} fails, says the suite.`, "OperationError");
    switch (this.#fault) {
      case "throws":
        throw failure;
      case "rejects":
        return Promise.resolve(neverThrows && call.perform()).then(() => Promise.reject(failure));
      case "is refused":
        return (refused as Exclude<Refusal, string>)(call, this.#device);
      case "finds no memory once":
      case "finds no memory":
        return this.#starve(call);
      case "finds the device lost":
        this.#device.destroy();
        return call.perform();
      case "loses the device": {
        const value = call.perform();
        this.#device.destroy();
        return value;
      }
    }
  }

  /** Reports missing memory as a device does: by a throw, to a matching error scope, or only by an invalid buffer. */
  #starve(call: DeviceCall): unknown {
    if ((call.args[0] as GPUBufferDescriptor).mappedAtCreation) throw new RangeError("no memory, says the suite");
    const scope = this.#scopes.findLast(({ filter }) => filter === "out-of-memory");
    if (!scope) return call.perform(invalidBuffer);
    scope.isStarved = true;
    return call.perform();
  }
}
