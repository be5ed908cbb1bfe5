import type { RunPlan } from "@kiln-gpu/core";
import { type LoadedProgram, splitVariant } from "@kiln-gpu/shader";
import { type CompiledProgram, compileProgram, type EncodableDispatch, type OpenDevice } from "@kiln-gpu/webgpu";

/** A program, whole or as the variant that runs a part of a grid. */
interface Wanted {
  readonly program: string;
  readonly split: boolean;
}

const keyOf = ({ program, split }: Wanted) => `${split ? "split" : "whole"} ${program}`;

/** Compiles each program that is wanted, once. */
export async function compilePrograms(
  open: OpenDevice,
  label: string,
  programs: { readonly [name: string]: LoadedProgram },
  wanted: readonly Wanted[],
): Promise<Map<string, CompiledProgram>> {
  const unique = new Map(wanted.map((want) => [keyOf(want), want]));
  const compiled = await Promise.all(
    [...unique].map(async ([key, { program, split }]) => {
      const loaded = programs[program]!;
      const wgsl = split ? splitVariant(loaded) : loaded.wgsl;
      const request = { ...loaded, label: `Kernel "${label}"`, wgsl, split, blocking: true };
      return [key, await compileProgram(open, request)] as const;
    }),
  );
  return new Map(compiled);
}

/** A fresh bind group for each group of each dispatch. */
export function createBindGroups(
  device: GPUDevice,
  { dispatches, resources }: RunPlan,
  compiled: ReadonlyMap<string, CompiledProgram>,
  buffers: readonly GPUBuffer[],
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
    return { pipeline, bindGroups, workgroups: dispatch.workgroups };
  });
}
