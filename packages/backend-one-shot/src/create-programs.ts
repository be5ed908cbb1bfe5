import { layOutPipeline, type ProgramVariant, type RunPlan } from "@kiln-gpu/core/backend";
import { type LoadedProgram, subjectOf, variantOf } from "@kiln-gpu/shader";
import { type CompiledProgram, compileProgram, type EncodableDispatch, type OpenDevice } from "@kiln-gpu/webgpu";

const keyOf = ({ program, split, immediate }: ProgramVariant) => `${split} ${immediate} ${program}`;

/** Compiles each of the `wanted` programs once. */
export async function compilePrograms(
  open: OpenDevice,
  label: string,
  programs: { readonly [name: string]: LoadedProgram },
  wanted: readonly ProgramVariant[],
): Promise<Map<string, CompiledProgram>> {
  const unique = new Map(wanted.map((want) => [keyOf(want), want]));
  const compiled = await Promise.all(
    [...unique].map(async ([key, variant]) => {
      const loaded = programs[variant.program]!;
      const subject = subjectOf({ label, programs }, variant.program);
      const layout = layOutPipeline(subject, loaded.interface, variant, open.info.limits);
      const wgsl = variantOf(loaded, layout);
      const request = { ...loaded, label: `Kernel "${label}"`, wgsl, layout, blocking: true };
      return [key, await compileProgram(open, request)] as const;
    }),
  );
  return new Map(compiled);
}

/** Creates a bind group for each group of each dispatch. */
export function createBindGroups(
  device: GPUDevice,
  { dispatches, resources }: RunPlan,
  compiled: ReadonlyMap<string, CompiledProgram>,
  buffers: readonly (GPUBuffer | undefined)[],
): EncodableDispatch[] {
  return dispatches.map((dispatch) => {
    const { pipeline, bindGroupLayouts } = compiled.get(keyOf(dispatch))!;
    const bindGroups = bindGroupLayouts.map((layout, group) =>
      device.createBindGroup({
        layout,
        entries: dispatch.entries
          .filter((entry) => entry.group === group)
          .map(({ binding, resource }) => ({
            binding,
            resource: { buffer: buffers[resource]!, size: resources[resource]!.byteLength },
          })),
      }),
    );
    const immediates = dispatch.immediates === undefined ? undefined : { run: 0, resource: dispatch.immediates };
    return { pipeline, bindGroups, workgroups: dispatch.workgroups, immediates };
  });
}
