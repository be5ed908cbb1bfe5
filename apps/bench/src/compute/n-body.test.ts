import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
import { softwareGpu } from "@kiln-gpu/software-gpu";
import { expect, test } from "vitest";
import { checkAllBodies, createNBody } from "./n-body.js";

test("steps are checked by the pulls on each body: their place, their number, and that they were written", async () => {
  await using backend = await openPersistentBackend({ software: true, fallback: softwareGpu, store: false });
  await checkAllBodies(backend, 70);
  using subject = await createNBody(backend, 300);
  using sequence = await backend.record({}, (run) => {
    for (let i = 0; i < 3; i += 1) subject.record(run);
  });
  await sequence.replay();
  const [velocities, positions] = await Promise.all(subject.results.map((result) => result.read()));
  const check = (given: readonly Float32Array[], steps: number) => () => subject.check(given, steps);
  check([velocities!, positions!], 3)();
  expect(check([velocities!, positions!], 2)).toThrow(/body \d+ a velocity/);
  expect(check([velocities!.map(() => 0), positions!], 3)).toThrow(/velocity of .*; got 0\.$/);
  expect(check([velocities!, positions!.map(() => Number.NaN)], 3)).toThrow(/position of .*; got NaN\.$/);
});
