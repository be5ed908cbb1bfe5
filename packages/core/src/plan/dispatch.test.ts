import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Grid, Threads, Workgroups } from "../kernel/dispatch-size.js";
import { countWorkgroups, gridOf, type OutputCount, splitGrid } from "./dispatch.js";
import { defaultLimits, f32, reads, shaderOf, uniform } from "./shader-interface.test-support.js";

const none = () => [];
const one = (elements: number) => () => [{ name: "y", elements, width: 1 }];

describe("countWorkgroups", () => {
  const shader = shaderOf([], { workgroupSize: [8, 4, 2] });

  test.each<[string, { threads?: Threads; workgroups?: Workgroups }, Grid]>([
    ["one number of workgroups", { workgroups: 3 }, [3, 1, 1]],
    ["workgroups in two dimensions", { workgroups: [3, 2] }, [3, 2, 1]],
    ["workgroups in three dimensions", { workgroups: [3, 2, 5] }, [3, 2, 5]],
    ["workgroups before threads", { workgroups: 3, threads: 800 }, [3, 1, 1]],
    ["no workgroups", { workgroups: [0, 5, 1] }, [0, 5, 1]],
    ["threads in whole workgroups", { threads: [16, 8, 4] }, [2, 2, 2]],
    ["threads rounded up to workgroups", { threads: [17, 9, 5] }, [3, 3, 3]],
    ["one number of threads", { threads: 1 }, [1, 1, 1]],
    ["no threads", { threads: 0 }, [0, 1, 1]],
  ])("takes %s", (_, size, grid) => {
    expect(countWorkgroups(shader, size, none)).toEqual(grid);
  });

  const line = shaderOf([], { workgroupSize: [64, 1, 1] });

  test("takes one thread for each element of the outputs where workgroups are 1-D", () => {
    expect(countWorkgroups(line, {}, one(65))).toEqual([2, 1, 1]);
    expect(countWorkgroups(line, {}, one(64))).toEqual([1, 1, 1]);
    expect(countWorkgroups(line, {}, one(0))).toEqual([0, 1, 1]);
    expect(countWorkgroups(line, {}, () => [...one(65)(), ...one(65)()])).toEqual([2, 1, 1]);
  });

  test.each<[readonly [number, number], number, string]>([
    [[3, 6], 1, "threads: ({ z }) => z.length"],
    [[3, 6], 4, "threads: ({ z }) => z.length / 4"],
    [[6, 3], 1, "threads: ({ y }) => y.length"],
  ])("refuses outputs of %j elements, with the line to write", ([first, second], width, written) => {
    const outputs: OutputCount[] = [
      { name: "y", elements: first, width },
      { name: "z", elements: second, width },
    ];
    expect(() => countWorkgroups(line, {}, () => outputs)).toThrow(
      expect.objectContaining({
        code: "invalid-kernel",
        message:
          `writes "y" of ${first} elements and "z" of ${second}, so it must say how many threads run: ` +
          `\`${written}\` in its definition, or \`{ threads: 6 }\` as an option of this run.`,
      }),
    );
  });

  test.each<[string, readonly [number, number, number], () => readonly OutputCount[]]>([
    ["a 2-D workgroup", [8, 8, 1], one(64)],
    ["a 3-D workgroup", [8, 1, 2], one(64)],
    ["no output", [64, 1, 1], none],
  ])("wants the threads said for %s", (_, workgroupSize, outputsOf) => {
    const message = (example: string) =>
      'does not say how many `threads` "main" runs, and neither its workgroup size ' +
      `[${workgroupSize.join(", ")}] nor its outputs tell. Write, for example, \`threads: ${example}\` in its ` +
      "definition, or give `{ threads: n }` to this run.";
    for (const [declared, example] of [
      [[], "1"],
      [[uniform("u", f32), reads("0/1")], "1"],
      [[uniform("u", f32), reads("0/1"), reads("x")], "({ x }) => x.length"],
    ] as const) {
      expect(() => countWorkgroups(shaderOf(declared, { workgroupSize }), {}, outputsOf)).toThrow(
        expect.objectContaining({ code: "invalid-kernel", message: message(example) }),
      );
    }
  });

  test.each<["threads" | "workgroups", Threads, string]>([
    ["threads", -1, "-1"],
    ["threads", 1.5, "1.5"],
    ["threads", Number.NaN, "NaN"],
    ["threads", [1, 2 ** 53], "1, 9007199254740992"],
    ["workgroups", Number.POSITIVE_INFINITY, "Infinity"],
    ["workgroups", [1, 1, -2], "1, 1, -2"],
    ["workgroups", "64" as unknown as number, '"64"'],
    ["threads", null as unknown as number, "null"],
    ["threads", [1, 2, 3, 4] as unknown as number, "1, 2, 3, 4"],
  ])("refuses %s of %s", (word, size, shown) => {
    expect(() => countWorkgroups(shader, { [word]: size }, none)).toThrow(
      expect.objectContaining({
        code: "invalid-kernel",
        message: `: "${word}" must be one to three whole numbers, each 0 or more; got [${shown}].`,
      }),
    );
  });
});

describe("gridOf", () => {
  const limits = { ...defaultLimits, maxComputeWorkgroupsPerDimension: 100 };

  test("runs whole what the device takes, also where it could not be split", () => {
    expect(gridOf(shaderOf([]), [100, 100, 100], limits, false)).toBe("whole");
    expect(gridOf(shaderOf([], { splittable: "of a barrier" }), [100, 1, 1], limits, false)).toBe("whole");
  });

  test.each<[Grid]>([[[101, 1, 1]], [[1, 101, 1]], [[1, 1, 101]]])("splits %j", (groups) => {
    expect(gridOf(shaderOf([], { splittable: { group: 2, binding: 5 } }), groups, limits, false)).toEqual({
      group: 2,
      binding: 5,
      type: "uniform",
    });
  });

  test("refuses, with the shader's reason, what cannot be split", () => {
    const shader = shaderOf([], { splittable: '"main" reads num_workgroups' });
    expect(() => gridOf(shader, [101, 2, 1], limits, false)).toThrow(
      expect.objectContaining({
        code: "limit-exceeded",
        message:
          "runs [101, 2, 1] workgroups; this device runs at most 100 in a dimension, " +
          'and it cannot be split because "main" reads num_workgroups.',
      }),
    );
  });

  test("refuses more than 2^32 threads in all, in however many dimensions, split or not", () => {
    const limit = { ...defaultLimits, maxComputeWorkgroupsPerDimension: 65535 };
    const shader = shaderOf([], { workgroupSize: [1, 64, 1] });
    const refused = (groups: Grid, shown: string) =>
      expect(() => gridOf(shader, groups, limit, false)).toThrow(
        expect.objectContaining({
          code: "limit-exceeded",
          message:
            `runs [${groups.join(", ")}] workgroups of [1, 64, 1] threads, ${shown} in all; ` +
            "one pass runs at most 4294967296 (2^32). " +
            "Check the numbers, or let each thread do more.",
        }),
      );
    expect(gridOf(shader, [1, 2 ** 26, 1], limit, false)).toEqual({ group: 1, binding: 0, type: "uniform" });
    expect(gridOf(shader, [8192, 8192, 1], limit, false)).toBe("whole");
    refused([1, 2 ** 26 + 1, 1], "4294967360");
    refused([8192, 8192, 2], "8589934592");
    refused([70000, 70000, 1], "313600000000");
    refused([2 ** 52, 2 ** 52, 2 ** 52], "5.846006549323612e+48");
  });

  test("refuses more parts than are dispatched", () => {
    const shader = shaderOf([], { workgroupSize: [1, 1, 1] });
    expect(gridOf(shader, [6400, 6400, 1], limits, false)).toEqual({ group: 1, binding: 0, type: "uniform" });
    expect(() => gridOf(shader, [6401, 6400, 1], limits, false)).toThrow(
      expect.objectContaining({
        code: "limit-exceeded",
        message: expect.stringMatching(/splitting it would take 4160 parts; the most is 4096/),
      }),
    );
  });
});

describe("splitGrid", () => {
  test("has parts of the limit and a rest", () => {
    expect(splitGrid([5, 2, 1], 3)).toEqual([
      { base: [0, 0, 0], workgroups: [3, 2, 1] },
      { base: [3, 0, 0], workgroups: [2, 2, 1] },
    ]);
  });

  test("covers every workgroup once, with no part above the limit", () => {
    const axis = fc.integer({ min: 0, max: 12 });
    fc.assert(
      fc.property(fc.tuple(axis, axis, axis), fc.integer({ min: 1, max: 13 }), (groups, limit) => {
        const seen = new Set<string>();
        let count = 0;
        for (const { base, workgroups } of splitGrid(groups, limit)) {
          for (const i of [0, 1, 2] as const) {
            expect(workgroups[i]).toBeGreaterThan(0);
            expect(workgroups[i]).toBeLessThanOrEqual(limit);
            expect(base[i] + workgroups[i]).toBeLessThanOrEqual(groups[i]);
          }
          for (let z = 0; z < workgroups[2]; z += 1) {
            for (let y = 0; y < workgroups[1]; y += 1) {
              for (let x = 0; x < workgroups[0]; x += 1) {
                seen.add(`${base[0] + x} ${base[1] + y} ${base[2] + z}`);
                count += 1;
              }
            }
          }
        }
        expect(count).toBe(groups[0] * groups[1] * groups[2]);
        expect(seen.size).toBe(count);
      }),
    );
  });

  test("has no more parts than the grid needs, which is what the limit on parts counts", () => {
    const axis = fc.integer({ min: 1, max: 1_000_000 });
    fc.assert(
      fc.property(axis, fc.integer({ min: 1, max: 300 }), (x, y) => {
        expect(splitGrid([x, y, 1], 65535)).toHaveLength(Math.ceil(x / 65535) * Math.ceil(y / 65535));
      }),
    );
  });
});
