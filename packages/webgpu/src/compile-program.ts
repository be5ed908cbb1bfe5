import { ComputeError } from "@kiln-gpu/core";
import type { PipelineLayout, ShaderInterface } from "@kiln-gpu/core/backend";
import { checkFeatures } from "./check-features.js";
import { type CompiledText, compilationError, usefulPart } from "./compilation-error.js";
import { deviceError } from "./device-error.js";
import { inErrorScope } from "./error-scope.js";
import { shaderStage } from "./gpu-flags.js";
import { lossOr } from "./loss-or.js";
import { refuseMisread } from "./misread-layout.js";
import type { OpenDevice } from "./open-device.js";

/** WGSL for the device to compile, with what reflection read from it. */
export interface CompileRequest extends CompiledText {
  readonly interface: Pick<ShaderInterface, "bindings" | "entryPoint">;
  readonly constants: Readonly<Record<string, number>>;
  /** What `wgsl` binds. It is within the limits of the device. */
  readonly layout: PipelineLayout;
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
 * @throws {ComputeError} `unsupported-shader` if the device lacks a feature that the text enables, or for a layout that
 *   this platform reads wrongly; `shader-compilation` with the device's errors, each with its place and source line;
 *   `device-lost`.
 */
export async function compileProgram(open: OpenDevice, request: CompileRequest): Promise<CompiledProgram> {
  if (open.loss) throw open.loss;
  checkFeatures(open, request);
  refuseMisread(request.label, request.interface);
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
    const { immediateByteLength } = request.layout;
    const immediates = immediateByteLength > 0 && { immediateSize: immediateByteLength };
    const layout = device.createPipelineLayout({ label: request.label, bindGroupLayouts, ...immediates });
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

function createLayouts(device: GPUDevice, { layout, label, wgsl }: CompileRequest): GPUBindGroupLayout[] {
  // Dawn demands that a binding has room for a whole subgroup matrix, which reflection does not see. With a size of 0 it
  // checks the room at each dispatch instead.
  const hasMatrices = /\benable\b[^;]*\bchromium_experimental_subgroup_matrix\b/.test(wgsl);
  const groups: GPUBindGroupLayoutEntry[][] = [];
  for (const { group, binding, type, minByteLength } of layout.buffers) {
    for (let i = groups.length; i <= group; i += 1) groups.push([]);
    const minBindingSize = hasMatrices ? 0 : minByteLength;
    groups[group]!.push({ binding, visibility: shaderStage.compute, buffer: { type, minBindingSize } });
  }
  return groups.map((entries, group) => device.createBindGroupLayout({ label: `${label} group ${group}`, entries }));
}

function pipelineError({ label }: CompileRequest, cause: { message?: unknown }): ComputeError {
  const message = usefulPart(String(cause.message ?? cause).trim());
  return new ComputeError("shader-compilation", `${label} does not make a pipeline: ${message}`, { cause });
}
