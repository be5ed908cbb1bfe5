import type { BindGroupEntry, DescriptorPool, PooledBindGroup, PooledBuffer } from "@kiln-gpu/resource-pools";
import type { EncodableDispatch } from "@kiln-gpu/webgpu";
import type { Place } from "./place-batch.js";
import type { ReadyRun } from "./ready-run.js";

/**
 * The dispatches of `runs` with their bind groups, each found in the pool or made. A batch may need more than the pool may hold:
 * what was taken is given back as soon as the pool is full, for a bind group lives on in whoever has it.
 */
export function acquireBindGroups(
  descriptors: DescriptorPool,
  runs: readonly Pick<ReadyRun, "plan" | "pipelines">[],
  places: readonly (readonly (Place | undefined)[])[],
  regions: readonly PooledBuffer[],
): EncodableDispatch[] {
  const dispatches: EncodableDispatch[] = [];
  const held: PooledBindGroup[] = [];
  const release = () => {
    for (const set of held) descriptors.release(set);
    held.length = 0;
  };
  try {
    for (let run = 0; run < runs.length; run += 1) {
      const { plan, pipelines } = runs[run]!;
      for (let i = 0; i < plan.dispatches.length; i += 1) {
        const { entries, workgroups } = plan.dispatches[i]!;
        const { pipeline, bindGroupLayouts, layoutIds } = pipelines[i]!;
        const bindGroups: GPUBindGroup[] = [];
        for (let group = 0; group < bindGroupLayouts.length; group += 1) {
          const bound: BindGroupEntry[] = [];
          for (const { group: of, binding, resource } of entries) {
            if (of !== group) continue;
            const { region, start } = places[run]![resource]!;
            bound.push({
              binding,
              buffer: regions[region]!,
              offset: start,
              size: plan.resources[resource]!.byteLength,
            });
          }
          const request = { layout: bindGroupLayouts[group]!, layoutId: layoutIds[group]!, entries: bound };
          let set = descriptors.tryAcquire(request);
          if (!set) {
            release();
            set = descriptors.tryAcquire(request);
          }
          if (!set) throw new Error("Unreachable: nobody else holds bind groups.");
          held.push(set);
          bindGroups.push(set.bindGroup);
        }
        dispatches.push({ pipeline, bindGroups, workgroups });
      }
    }
    return dispatches;
  } finally {
    // Also when one is refused, or nobody could ever have these again.
    release();
  }
}
