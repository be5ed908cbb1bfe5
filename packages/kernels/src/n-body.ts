import {
  type ComputeBackend,
  ComputeError,
  defineKernel,
  type Inout,
  inout,
  type Output,
  output,
} from "@kiln-gpu/core";
import { describeValue } from "@kiln-gpu/core/backend";
import { checkArray, checkObject } from "./check-arguments.js";
import type { KernelRunOptions } from "./kernel-run-options.js";

const wgsl = /* wgsl */ `
override workgroup_size: u32 = 256;

struct Settings {
  timeStep: f32,
  softening: f32,
}

@group(0) @binding(0) var<uniform> settings: Settings;
@group(0) @binding(1) var<storage, read> positions: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> velocities: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> nextPositions: array<vec4f>;

var<workgroup> tile: array<vec4f, workgroup_size>;

@compute @workgroup_size(workgroup_size)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_index) local: u32) {
  let count = arrayLength(&positions);
  let body = positions[min(id.x, count - 1)];

  var acceleration = vec3f();
  for (var begin = 0u; begin < count; begin += workgroup_size) {
    // Beyond the last body the tile holds no mass; every thread has to reach the barriers.
    var loaded = vec4f();
    if (begin + local < count) {
      loaded = positions[begin + local];
    }
    tile[local] = loaded;
    workgroupBarrier();

    for (var j = 0u; j < workgroup_size; j++) {
      let other = tile[j];
      let offset = other.xyz - body.xyz;
      let inverse = inverseSqrt(dot(offset, offset) + settings.softening * settings.softening);
      acceleration += other.w * (inverse * inverse * inverse) * offset;
    }
    workgroupBarrier();
  }
  if (id.x < count) {
    let before = velocities[id.x];
    let velocity = before.xyz + acceleration * settings.timeStep;
    velocities[id.x] = vec4f(velocity, before.w);
    nextPositions[id.x] = vec4f(body.xyz + velocity * settings.timeStep, body.w);
  }
}
`;

/** With less, the pull of a body on its own position would exceed f32. */
const minSoftening = 1e-12;

/** In units in which the gravitational constant is 1. */
export type NBodySettings = {
  /** In the unit of time; negative to go back. */
  readonly timeStep: number;
  /**
   * In the unit of length, at least 1e-12. Distances are computed as if bodies were also this far apart in another
   * dimension.
   */
  readonly softening: number;
};

export type NBodyBindings = {
  readonly settings: NBodySettings;
  /** Four numbers per body: x, y, z and mass. */
  readonly positions: Float32Array;
  /** Four numbers per body: the x, y and z of its velocity, and one that stays as it is. */
  readonly velocities: Inout<Float32Array>;
  /** As long as `positions`; these are the `positions` of the next step. */
  readonly nextPositions: Output<Float32Array>;
};

/** A system of bodies at one time, laid out as in `NBodyBindings`. */
export interface NBodyState {
  readonly positions: Float32Array;
  readonly velocities: Float32Array;
}

/**
 * One step of n bodies that attract each other, over all n² pairs, by tiles of bodies in workgroup memory. The
 * acceleration of body i is
 *
 *   a_i = Σ_j m_j r_ij / (|r_ij|² + ε²)^(3/2),   r_ij = x_j - x_i,   ε = softening,   G = 1
 *
 * as in L. Nyland, M. Harris, J. Prins, "Fast N-Body Simulation with CUDA", GPU Gems 3 (2007), chapter 31, which counts
 * 20 floating-point operations for each of the n² interactions. Then v += a Δt, and x += v Δt with the new v:
 * symplectic Euler, of first order. If `velocities` are those of half a step before `positions`, the same arithmetic is
 * leapfrog, of second order.
 */
export const nBody = /* @__PURE__ */ defineKernel<NBodyBindings>({
  label: "n-body",
  wgsl,
  tunable: { workgroup_size: [256, 64, 128, 512] },
  threads: ({ positions }) => positions.length / 4,
});

/**
 * Computes one step of `nBody` on the GPU.
 * @returns Positions and velocities after the step, in new arrays.
 * @throws {ComputeError} `invalid-binding` if the arrays do not have four numbers per body and the same length, or if a
 *   setting is out of its range; and whatever `ComputeBackend.run` throws.
 */
export async function runNBody(
  backend: ComputeBackend,
  state: NBodyState,
  settings: NBodySettings,
  options: Omit<KernelRunOptions, "from"> = {},
): Promise<NBodyState> {
  checkObject("runNBody", "state", "positions and velocities", state);
  checkObject("runNBody", "settings", "timeStep and softening", settings);
  const { positions, velocities } = state;
  const { timeStep, softening } = settings;
  checkArray("runNBody", "positions", positions);
  checkArray("runNBody", "velocities", velocities);
  if (positions.length % 4 !== 0 || velocities.length !== positions.length) {
    throw new ComputeError(
      "invalid-binding",
      'runNBody: "positions" and "velocities" must each have four numbers per body; ' +
        `got ${positions.length} and ${velocities.length} elements.`,
    );
  }
  if (!Number.isFinite(timeStep)) {
    throw new ComputeError(
      "invalid-binding",
      `runNBody: "timeStep" must be a finite number; got ${describeValue(timeStep)}.`,
    );
  }
  if (!(typeof softening === "number" && softening >= minSoftening && softening < Number.POSITIVE_INFINITY)) {
    throw new ComputeError(
      "invalid-binding",
      `runNBody: "softening" must be a finite number, ${minSoftening} or more; got ${describeValue(softening)}.`,
    );
  }
  const results = await backend.run(
    nBody,
    {
      settings: { timeStep, softening },
      positions,
      velocities: inout(velocities),
      nextPositions: output(Float32Array, positions.length),
    },
    options,
  );
  return { positions: results.nextPositions, velocities: results.velocities };
}

/** What `runNBody` computes, on the CPU in float64, rounded to f32 at the end. */
export function nBodyReference(
  { positions, velocities }: NBodyState,
  { timeStep, softening }: NBodySettings,
): NBodyState {
  const next = { positions: positions.slice(), velocities: velocities.slice() };
  for (let i = 0; i < positions.length; i += 4) {
    const acceleration = [0, 0, 0];
    for (let j = 0; j < positions.length; j += 4) {
      const offset = [0, 1, 2].map((axis) => positions[j + axis]! - positions[i + axis]!);
      const distance = Math.hypot(...offset, softening);
      for (const axis of [0, 1, 2]) acceleration[axis]! += (positions[j + 3]! * offset[axis]!) / distance ** 3;
    }
    for (const axis of [0, 1, 2]) {
      const velocity = velocities[i + axis]! + acceleration[axis]! * timeStep;
      next.velocities[i + axis] = velocity;
      next.positions[i + axis] = positions[i + axis]! + velocity * timeStep;
    }
  }
  return next;
}
