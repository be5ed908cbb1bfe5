import { describe, expect, it } from "vitest";
import type { Totals } from "./account.js";
import type { Sample } from "./sample.js";
import { verdictOf } from "./verdict.js";

const none: Totals = {
  asked: 9,
  right: 9,
  wrong: 0,
  rejected: {},
  unexpected: 0,
  hung: 0,
  unhandled: 0,
  complaints: 0,
};

/** Samples whose memory is what `mebibytes` says of each. */
const samplesOf = (count: number, mebibytes: (i: number) => number) =>
  Array.from({ length: count }, (_, i): Sample => {
    const byteLength = mebibytes(i) * 2 ** 20;
    return {
      seconds: i,
      totals: none,
      retried: 0,
      losses: 0,
      heapByteLength: 10 * 2 ** 20,
      residentByteLength: byteLength,
      externalByteLength: 0,
      handles: 5,
      buffers: 0,
      bufferByteLength: 0,
      medianMs: 1,
      p99Ms: 2,
    };
  });

describe("the verdict", () => {
  it("is good if there are no errors and memory goes up and down", () => {
    const { isGood, drifts } = verdictOf(
      samplesOf(40, (i) => 300 + 20 * (i % 2)),
      none,
      [],
    );
    expect(isGood).toBe(true);
    expect(drifts).toHaveLength(5);
  });

  it("is bad if memory grows from the second quarter to the last, and says by how much", () => {
    const { isGood, drifts, lines } = verdictOf(
      samplesOf(40, (i) => 300 + 5 * i),
      none,
      [],
    );
    expect(isGood).toBe(false);
    expect(drifts![0]).toMatchObject({
      of: "resident memory",
      isFlat: false,
      early: 375 * 2 ** 20,
      late: 475 * 2 ** 20,
    });
    expect(lines).toContain("FAIL resident memory: 375.0 MiB early, 475.0 MiB late, 1.267 times");
  });

  it("says nothing about drift after few samples", () => {
    expect(
      verdictOf(
        samplesOf(7, (i) => 1 + i * 1000),
        none,
        [],
      ),
    ).toMatchObject({ isGood: true });
    expect(verdictOf([], none, []).drifts).toBeUndefined();
  });

  it.each(["wrong", "unexpected", "hung", "unhandled", "complaints"] as const)("is bad if one is %s", (kind) => {
    expect(
      verdictOf(
        samplesOf(10, () => 1),
        { ...none, [kind]: 1 },
        [],
      ).isGood,
    ).toBe(false);
  });

  it("is bad if there were too few losses or cancellations", () => {
    const goal = { of: "losses", given: 9, expected: 10 };
    const { isGood, lines } = verdictOf([], none, [goal]);
    expect(isGood).toBe(false);
    expect(lines).toContain("FAIL losses: 9, expected 10 or more");
    expect(verdictOf([], none, [{ ...goal, given: 10 }]).isGood).toBe(true);
  });
});
