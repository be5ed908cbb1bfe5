/** One dispatch with everything that it uses made. */
export interface EncodableDispatch {
  readonly pipeline: GPUComputePipeline;
  /** By group. */
  readonly bindGroups: readonly GPUBindGroup[];
  readonly workgroups: readonly [x: number, y: number, z: number];
}

/** Records `dispatches` in order; a pipeline that is set already is not set again. */
export function encodeDispatches(pass: GPUComputePassEncoder, dispatches: readonly EncodableDispatch[]): void {
  let pipeline: GPUComputePipeline | undefined;
  for (const dispatch of dispatches) {
    if (dispatch.pipeline !== pipeline) {
      pipeline = dispatch.pipeline;
      pass.setPipeline(pipeline);
    }
    for (let group = 0; group < dispatch.bindGroups.length; group += 1) {
      pass.setBindGroup(group, dispatch.bindGroups[group]!);
    }
    const [x, y, z] = dispatch.workgroups;
    pass.dispatchWorkgroups(x, y, z);
  }
}
