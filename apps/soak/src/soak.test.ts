import { softwareGpu } from "@kiln-gpu/software-gpu";
import { expect, it } from "vitest";
import { Soak } from "./soak.js";

it("runs backends, loses their devices, cancels their runs, and finds no errors", async () => {
  const rates = { minutes: 2, lossesPerMinute: 60, cancellationsPerSecond: 20, everySeconds: 0.5 };
  let told = 0;
  const soak = new Soak({ fallback: softwareGpu, software: true }, rates, ({ totals, losses }) => {
    told += 1;
    // However long that takes on this machine.
    if (losses > 2 && totals.right > 100 && totals.rejected.aborted) soak.stop();
  });
  const { samples, verdict, notes, isStuck } = await soak.run();
  expect(notes).toEqual([]);
  expect(isStuck).toBe(false);
  expect(told).toBe(samples.length);
  const { totals, losses } = samples.at(-1)!;
  expect(totals).toMatchObject({ wrong: 0, unexpected: 0, unhandled: 0, complaints: 0 });
  expect(totals.right).toBeGreaterThan(0);
  expect(totals.rejected.aborted).toBeGreaterThan(0);
  expect(losses).toBeGreaterThan(0);
  expect(verdict.lines.slice(0, 5)).toEqual([
    "ok   wrong: 0",
    "ok   unexpected rejections: 0",
    "ok   hung: 0",
    "ok   unhandled: 0",
    "ok   complaints: 0",
  ]);
}, 150_000);
