/** One dispatch with everything that it uses made. */
export interface EncodableDispatch {
  readonly pipeline: GPUComputePipeline;
  /** By group. */
  readonly bindGroups: readonly GPUBindGroup[];
  readonly workgroups: readonly [x: number, y: number, z: number];
}

/** Records `dispatches` in order; what is set already is not set again. */
export function encodeDispatches(pass: GPUComputePassEncoder, dispatches: readonly EncodableDispatch[]): void {
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
    const [x, y, z] = dispatch.workgroups;
    pass.dispatchWorkgroups(x, y, z);
  }
}
