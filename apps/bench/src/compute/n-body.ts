import type { PersistentComputeBackend } from "@kiln-gpu/backend-persistent";
import { inout, output, type TuningReport } from "@kiln-gpu/core";
import { nBody, nBodyReference, runNBody } from "@kiln-gpu/kernels";
import type { Subject } from "./subject.js";

/** As counted in GPU Gems 3, chapter 31. */
const operationsPerInteraction = 20;
const settings = { timeStep: 1e-3, softening: 0.05 };
/**
 * Relative to the sum of the strengths of all pulls on a body; most of them cancel if other bodies surround it.
 * Velocities add up over about a thousand steps, which alone uses half of this tolerance.
 */
export const pullTolerance = 2e-4;
const maxSampledBodies = 16;

/** The acceleration of a body, and what it would be if all pulls had the same direction. */
interface Pull {
  readonly body: number;
  readonly acceleration: readonly number[];
  readonly most: number;
}

/** The same step of `count` bodies again and again: it reads positions from one array and writes them to another. */
export async function createNBody(backend: PersistentComputeBackend, count: number): Promise<Subject & Disposable> {
  const bodies = randomBodies(count);
  const sampled = Array.from({ length: Math.min(count, maxSampledBodies) }, () => Math.floor(Math.random() * count));
  const pulls = sampled.map((body) => pullOn(bodies, body));
  const positions = await backend.array(bodies);
  const velocities = await backend.array(Float32Array, bodies.length);
  const nextPositions = await backend.array(Float32Array, bodies.length);
  return {
    name: nBody.label,
    work: operationsPerInteraction * count ** 2,
    results: [velocities, nextPositions],
    record: (run) => run(nBody, { settings, positions, velocities, nextPositions }),
    check: ([moving, moved], steps) => checkPulls(pulls, bodies, moving!, moved!, steps),
    [Symbol.dispose]() {
      for (const array of [positions, velocities, nextPositions]) array.dispose();
    },
  };
}

/** Finds the fastest workgroup size for `count` bodies, which later runs then use. */
export function tuneNBody(backend: PersistentComputeBackend, count: number): Promise<TuningReport> {
  const positions = randomBodies(count);
  const velocities = inout(new Float32Array(positions.length));
  return backend.tune(nBody, {
    settings,
    positions,
    velocities,
    nextPositions: output(Float32Array, positions.length),
  });
}

/** Compares each of `count` bodies with the reference, which takes long for many. */
export async function checkAllBodies(backend: PersistentComputeBackend, count: number): Promise<void> {
  const state = { positions: randomBodies(count), velocities: new Float32Array(4 * count) };
  const expected = nBodyReference(state, settings);
  const given = await runNBody(backend, state, settings);
  for (const [i, velocity] of expected.velocities.entries()) {
    const body = Math.floor(i / 4);
    const near = pullTolerance * pullOn(state.positions, body).most * settings.timeStep;
    checkNear("velocity", body, velocity, given.velocities[i]!, near);
    checkNear("position", body, expected.positions[i]!, given.positions[i]!, pullTolerance);
  }
}

/** After `steps` steps from rest, each from the same positions. */
function checkPulls(
  pulls: readonly Pull[],
  bodies: Float32Array,
  velocities: Float32Array,
  positions: Float32Array,
  steps: number,
): void {
  const time = steps * settings.timeStep;
  for (const { body, acceleration, most } of pulls) {
    for (const [axis, pull] of acceleration.entries()) {
      const at = 4 * body + axis;
      const near = pullTolerance * most * time;
      checkNear("velocity", body, pull * time, velocities[at]!, near);
      const position = bodies[at]! + pull * time * settings.timeStep;
      checkNear("position", body, position, positions[at]!, near * settings.timeStep + pullTolerance);
    }
  }
}

function checkNear(what: string, body: number, expected: number, given: number, tolerance: number): void {
  // In this form the comparison also fails for NaN.
  if (Math.abs(given - expected) <= tolerance) return;
  throw new Error(`n-body must give body ${body} a ${what} of ${expected}, within ${tolerance}; got ${given}.`);
}

/** In a cube of length 1, with masses that add up to about 1. */
function randomBodies(count: number): Float32Array {
  const bodies = new Float32Array(4 * count);
  for (let i = 0; i < bodies.length; i += 1) bodies[i] = i % 4 === 3 ? (0.5 + Math.random()) / count : Math.random();
  return bodies;
}

/** `nBodyReference` for a single body. */
function pullOn(bodies: Float32Array, body: number): Pull {
  const acceleration = [0, 0, 0];
  let most = 0;
  for (let other = 0; other < bodies.length; other += 4) {
    const offset = [0, 1, 2].map((axis) => bodies[other + axis]! - bodies[4 * body + axis]!);
    const distance = Math.hypot(...offset, settings.softening);
    const pull = bodies[other + 3]! / distance ** 3;
    for (const axis of [0, 1, 2]) acceleration[axis]! += pull * offset[axis]!;
    most += pull * Math.hypot(...offset);
  }
  return { body, acceleration, most };
}
