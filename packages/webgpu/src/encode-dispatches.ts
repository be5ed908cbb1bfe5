import type { RunPlan } from "@kiln-gpu/core/backend";

/** One dispatch, with the pipeline and the bind groups made. */
export interface EncodableDispatch {
  readonly pipeline: GPUComputePipeline;
  /** By group. */
  readonly bindGroups: readonly GPUBindGroup[];
  readonly workgroups: readonly [x: number, y: number, z: number];
  /** Where the device reads the workgroups, in place of `workgroups`. */
  readonly indirect?: { readonly buffer: GPUBuffer; readonly offset: number } | undefined;
  /** The resource that holds its immediates. */
  readonly immediates?: ResourceOfRun | undefined;
}

/** A resource of one of the runs in a submission: the index of the run, and of the resource in its plan. */
export interface ResourceOfRun {
  readonly run: number;
  readonly resource: number;
}

/** Not in `@webgpu/types` yet. */
interface TakesImmediates {
  setImmediates(start: number, data: ArrayBufferView): void;
}

/**
 * Records `dispatches` in order, and sets only what differs from the dispatch before.
 * @param plans The plan of each run.
 */
export function encodeDispatches(
  pass: GPUComputePassEncoder,
  dispatches: readonly EncodableDispatch[],
  plans: readonly { readonly plan: Pick<RunPlan, "resources"> }[],
): void {
  let pipeline: GPUComputePipeline | undefined;
  let set: readonly GPUBindGroup[] = [];
  for (const dispatch of dispatches) {
    if (dispatch.pipeline !== pipeline) {
      pipeline = dispatch.pipeline;
      pass.setPipeline(pipeline);
    }
    const { bindGroups } = dispatch;
    for (let group = 0; group < bindGroups.length; group += 1) {
      if (bindGroups[group] !== set[group]) pass.setBindGroup(group, bindGroups[group]!);
    }
    set = bindGroups;
    const { immediates } = dispatch;
    if (immediates) {
      const { data } = plans[immediates.run]!.plan.resources[immediates.resource]!;
      (pass as unknown as TakesImmediates).setImmediates(0, data!);
    }
    const { indirect } = dispatch;
    if (indirect) {
      pass.dispatchWorkgroupsIndirect(indirect.buffer, indirect.offset);
      continue;
    }
    const [x, y, z] = dispatch.workgroups;
    pass.dispatchWorkgroups(x, y, z);
  }
}
