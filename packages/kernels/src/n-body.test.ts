import { inout, output } from "@kiln-gpu/core";
import { expect, test } from "vitest";
import { recordingBackend } from "../test/recording-backend.js";
import { type NBodyState, nBody, nBodyReference, runNBody } from "./n-body.js";

test("the reference pulls by m r / (r² + ε²)^(3/2), then moves with the new velocity", () => {
  const positions = new Float32Array([0, 0, 0, 2, 3, 0, 0, 125]);
  const velocities = new Float32Array([0, 1, 0, 7, 0, 0, -2, 8]);
  // r = 3 and ε = 4 are a distance of 5.
  const next = nBodyReference({ positions, velocities }, { timeStep: 0.5, softening: 4 });
  expect([...next.velocities]).toEqual([1.5, 1, 0, 7, Math.fround(-0.024), 0, -2, 8]);
  expect([...next.positions]).toEqual([0.75, 0.5, 0, 2, Math.fround(3 - 0.012), 0, -1, 125]);
  expect([...positions]).toEqual([0, 0, 0, 2, 3, 0, 0, 125]);
});

test("the reference keeps two bodies on their circle, where velocities are half a step behind", () => {
  // Two masses of 1/2 at a distance of 1 turn once in 2π.
  const steps = 400;
  const timeStep = (2 * Math.PI) / steps;
  const [x, y] = [Math.sin(timeStep / 2) / 2, Math.cos(timeStep / 2) / 2];
  const start = new Float32Array([0.5, 0, 0, 0.5, -0.5, 0, 0, 0.5]);
  let state: NBodyState = { positions: start, velocities: new Float32Array([x, y, 0, 0, -x, -y, 0, 0]) };
  for (let i = 0; i < steps; i += 1) state = nBodyReference(state, { timeStep, softening: 1e-6 });
  for (const [i, expected] of start.entries()) expect(state.positions[i]).toBeCloseTo(expected, 3);
});

test("runs a thread for each body", () => {
  const zeros = new Float32Array(12);
  const bindings = {
    settings: { timeStep: 1, softening: 1 },
    positions: zeros,
    velocities: inout(zeros),
    nextPositions: output(Float32Array, 12),
  };
  expect(nBody.passes(bindings)).toEqual([{ program: "main", threads: 3 }]);
});

test("binds velocities in place and positions as an output", async () => {
  const { backend, runs } = recordingBackend();
  const { signal } = new AbortController();
  const positions = new Float32Array(8);
  const velocities = new Float32Array(8).fill(2);
  const settings = { timeStep: 1, softening: 0.5 };
  const next = await runNBody(backend, { positions, velocities }, settings, { signal });
  expect(next).toEqual({ positions: new Float32Array(8), velocities });
  expect(runs).toEqual([
    {
      kernel: nBody,
      bindings: { settings, positions, velocities: inout(velocities), nextPositions: output(Float32Array, 8) },
      options: { signal },
    },
  ]);
});

test.each([
  [8, 4],
  [6, 6],
])("refuses %i positions with %i velocities", async (positions, velocities) => {
  const { backend, runs } = recordingBackend();
  const state = { positions: new Float32Array(positions), velocities: new Float32Array(velocities) };
  await expect(runNBody(backend, state, { timeStep: 1, softening: 1 })).rejects.toMatchObject({
    code: "invalid-binding",
    message:
      'runNBody: "positions" and "velocities" must each have four numbers per body; ' +
      `got ${positions} and ${velocities} elements.`,
  });
  expect(runs).toEqual([]);
});

test.each([0, -1, 1e-13, Number.NaN, Number.POSITIVE_INFINITY])("refuses %d as softening", async (softening) => {
  const { backend } = recordingBackend();
  const state = { positions: new Float32Array(4), velocities: new Float32Array(4) };
  await expect(runNBody(backend, state, { timeStep: 1, softening })).rejects.toMatchObject({
    code: "invalid-binding",
    message: `runNBody: "softening" must be a finite number, 1e-12 or more; got ${softening}.`,
  });
});

test("refuses a time step that is not finite", async () => {
  const { backend } = recordingBackend();
  const state = { positions: new Float32Array(4), velocities: new Float32Array(4) };
  await expect(runNBody(backend, state, { timeStep: Number.NaN, softening: 1 })).rejects.toMatchObject({
    code: "invalid-binding",
    message: 'runNBody: "timeStep" must be a finite number; got NaN.',
  });
});
