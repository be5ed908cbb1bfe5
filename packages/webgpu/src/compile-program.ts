import { ComputeError } from "@kiln-gpu/core";
import { minByteLengthOf, roundUpTo4, type ShaderInterface } from "@kiln-gpu/core/backend";
import { type CompiledText, compilationError, usefulPart } from "./compilation-error.js";
import { deviceError } from "./device-error.js";
import { inErrorScope } from "./error-scope.js";
import { shaderStage } from "./gpu-flags.js";
import { lossOr } from "./loss-or.js";
import type { OpenDevice } from "./open-device.js";

/** WGSL for the device to compile, with the interface that reflection read from it. */
export interface CompileRequest extends CompiledText {
  readonly interface: ShaderInterface;
  readonly constants: Readonly<Record<string, number>>;
  /** Whether `wgsl` is the split variant, which also binds its grid. */
  readonly split: boolean;
  /** Whether `wgsl` has its `var<immediate>`, rather than a buffer in its place. */
  readonly immediate: boolean;
  /**
   * Compiles on this thread. Otherwise Dawn starts a worker for the device. When the device is collected later, that
   * worker is joined, which stops JavaScript for tens of milliseconds: too long for a device that serves one run.
   */
  readonly blocking?: boolean;
}

export interface CompiledProgram {
  readonly pipeline: GPUComputePipeline;
  /** By group. A group that the shader skips has an empty layout. */
  readonly bindGroupLayouts: readonly GPUBindGroupLayout[];
}

/**
 * Compiles one pipeline. Its layout comes from reflection, not from the device, so a binding that reflection missed
 * fails here and not in a run.
 * @throws {ComputeError} `shader-compilation` with the device's errors, each with its place and source line;
 *   `limit-exceeded` if the workgroup or the number of a bind group is too large for the device; `device-lost`.
 */
export async function compileProgram(open: OpenDevice, request: CompileRequest): Promise<CompiledProgram> {
  if (open.loss) throw open.loss;
  checkWorkgroupSize(open, request);
  checkGroups(open, request);
  const { device } = open;
  let begun: ReturnType<typeof beginToCompile>;
  try {
    begun = beginToCompile(device, request);
  } catch (error) {
    throw await deviceError(open, request.label, error);
  }
  const { bindGroupLayouts, pipeline, info: told, failure } = begun;
  const results = await Promise.allSettled([pipeline, told, failure]);
  if (open.loss) throw open.loss;
  const [compiled, info, scope] = results;
  const error = info.status === "fulfilled" && compilationError(request, info.value.messages);
  if (error) throw hasPlace(error) ? error : await lossOr(open, error);
  if (compiled.status === "rejected") throw await lossOr(open, pipelineError(request, compiled.reason));
  const scoped = scope.status === "fulfilled" ? scope.value : null;
  if (scoped) throw await lossOr(open, pipelineError(request, scoped));
  return { pipeline: compiled.value, bindGroupLayouts };
}

/** An error in the text has a place in it. wgpu reports the loss of the device as an error without one. */
function hasPlace({ diagnostics }: ComputeError): boolean {
  return diagnostics.some(({ line }) => line > 0);
}

function beginToCompile(device: GPUDevice, request: CompileRequest) {
  const { value, failure } = inErrorScope(device, "validation", () => {
    const module = device.createShaderModule({ label: request.label, code: request.wgsl });
    const info = module.getCompilationInfo();
    const bindGroupLayouts = createLayouts(device, request);
    const immediates = request.interface.bindings.find(({ isImmediate }) => isImmediate && request.immediate);
    const immediateSize = immediates && { immediateSize: roundUpTo4(immediates.layout.byteLength) };
    const layout = device.createPipelineLayout({ label: request.label, bindGroupLayouts, ...immediateSize });
    const descriptor: GPUComputePipelineDescriptor = {
      label: request.label,
      layout,
      compute: { module, entryPoint: request.interface.entryPoint, constants: request.constants },
    };
    const pipeline = request.blocking
      ? device.createComputePipeline(descriptor)
      : device.createComputePipelineAsync(descriptor);
    return { bindGroupLayouts, pipeline, info };
  });
  return { ...value, failure };
}

function createLayouts(
  device: GPUDevice,
  { interface: shader, label, split, immediate }: CompileRequest,
): GPUBindGroupLayout[] {
  const groups: GPUBindGroupLayoutEntry[][] = [];
  const add = (group: number, entry: GPUBindGroupLayoutEntry) => {
    for (let i = groups.length; i <= group; i += 1) groups.push([]);
    groups[group]!.push(entry);
  };
  for (const { group, binding, kind, access, layout, isImmediate } of shader.bindings) {
    if (isImmediate && immediate) continue;
    const type = kind === "uniform" ? "uniform" : access === "read" ? "read-only-storage" : "storage";
    const minBindingSize = Math.ceil(minByteLengthOf(layout) / 4) * 4;
    add(group, { binding, visibility: shaderStage.compute, buffer: { type, minBindingSize } });
  }
  if (split && typeof shader.splittable === "object") {
    const { group, binding } = shader.splittable;
    add(group, { binding, visibility: shaderStage.compute, buffer: { type: "uniform", minBindingSize: 32 } });
  }
  return groups.map((entries, group) => device.createBindGroupLayout({ label: `${label} group ${group}`, entries }));
}

function checkWorkgroupSize({ info }: OpenDevice, { interface: shader, label }: CompileRequest): void {
  const [x, y, z] = shader.workgroupSize;
  const { limits } = info;
  const most = [limits.maxComputeWorkgroupSizeX, limits.maxComputeWorkgroupSizeY, limits.maxComputeWorkgroupSizeZ];
  const given = `${label} has workgroups of [${x}, ${y}, ${z}]`;
  if (x > most[0]! || y > most[1]! || z > most[2]!) {
    throw new ComputeError("limit-exceeded", `${given}; this device takes at most [${most.join(", ")}].`);
  }
  if (x * y * z > limits.maxComputeInvocationsPerWorkgroup) {
    throw new ComputeError(
      "limit-exceeded",
      `${given}, ${x * y * z} invocations; this device takes at most ${limits.maxComputeInvocationsPerWorkgroup}.`,
    );
  }
}

/**
 * A layout has an entry for each group up to the last, so a huge group number would use up the memory before the device
 * could refuse it.
 */
function checkGroups({ device }: OpenDevice, { interface: shader, label }: CompileRequest): void {
  const { maxBindGroups } = device.limits;
  const beyond = shader.bindings.find(({ group }) => group >= maxBindGroups);
  if (!beyond) return;
  throw new ComputeError(
    "limit-exceeded",
    `${label} binds "${beyond.name}" in group ${beyond.group}; this device has groups 0 to ${maxBindGroups - 1}.`,
  );
}

function pipelineError({ label }: CompileRequest, cause: { message?: unknown }): ComputeError {
  const message = usefulPart(String(cause.message ?? cause).trim());
  return new ComputeError("shader-compilation", `${label} does not make a pipeline: ${message}`, { cause });
}
