import { type Constants, defineKernel, isComputeError, output } from "@kiln-gpu/core";
import { loadProgram } from "@kiln-gpu/shader";
import { isLongRun } from "@kiln-gpu/test-support";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isBrief, type Suite, useBackend } from "../support/suite.js";

type Integer = "int" | "i32" | "u32";

interface Override {
  readonly type: Exclude<Integer, "int">;
  readonly isTyped: boolean;
  readonly id: number | undefined;
  readonly initial: number;
  readonly given: number | undefined;
  readonly isGivenById: boolean;
}

const overrides = fc.array(
  fc.record<Override>({
    type: fc.constantFrom("i32", "u32"),
    isTyped: fc.boolean(),
    id: fc.option(fc.integer({ min: 0, max: 65535 }), { nil: undefined }),
    initial: fc.nat(20),
    given: fc.option(fc.nat(20), { nil: undefined }),
    isGivenById: fc.boolean(),
  }),
  { minLength: 2, maxLength: 5 },
);

/** The source of an integer expression, mostly valid WGSL. `names` lists the identifiers of each type. */
function expressions(names: (type: Integer) => readonly string[]): (type: Integer) => fc.Arbitrary<string> {
  const suffixOf = { int: "", i32: "i", u32: "u" } as const;
  const within = (type: Integer, depth: number): fc.Arbitrary<string> => {
    const literal = fc.oneof(fc.nat(9), fc.nat(300)).map((value) => `${value}${suffixOf[type]}`);
    const hex = fc.nat(255).map((value) => `0x${value.toString(16)}${suffixOf[type]}`);
    const named = names(type);
    const leaf = fc.oneof(literal, hex, ...(named.length > 0 ? [fc.constantFrom(...named)] : []));
    if (depth === 0) return leaf;
    const part = within(type, depth - 1);
    const binary = (operators: readonly string[], right = part) =>
      fc.tuple(part, fc.constantFrom(...operators), right).map(([a, operator, b]) => `(${a} ${operator} ${b})`);
    const condition = fc
      .tuple(part, fc.constantFrom("<", "<=", ">", ">=", "==", "!="), part)
      .map(([a, operator, b]) => `(${a} ${operator} ${b})`);
    const vector = fc
      .tuple(part, part, part, fc.constantFrom(".x", ".z", "[1]", ".zyx.y", ".xy[1]"))
      .map(([a, b, c, access]) => `vec3${type === "int" ? "" : `<${type}>`}(${a}, ${b}, ${c})${access}`);
    const others = type === "int" ? [] : [within(type === "i32" ? "u32" : "i32", depth - 1), within("int", depth - 1)];
    return fc.oneof(
      leaf,
      binary(["+", "-", "*", "/", "%", "&", "|", "^"]),
      binary(
        ["<<", ">>"],
        fc.nat(4).map((value) => `${value}u`),
      ),
      // Operators that bind in their own order.
      fc.tuple(part, part, part).map(([a, b, c]) => `(${a} + ${b} * ${c} - ${a})`),
      ...(type === "u32" ? [] : [part.map((a) => `-(${a})`), part.map((a) => `abs(${a})`)]),
      part.map((a) => `~${a}`),
      fc.tuple(fc.constantFrom("min", "max"), part, part).map(([name, a, b]) => `${name}(${a}, ${b})`),
      fc.tuple(part, fc.nat(9), fc.nat(9)).map(([a, low, more]) => `clamp(${a}, ${low}, ${low + more})`),
      fc.tuple(part, part, condition, condition).map(([a, b, c, d]) => `select(${a}, ${b}, ${c} && !${d})`),
      vector,
      ...others.map((other) => other.map((a) => `${type}(${a})`)),
      ...(type === "int" ? [] : [part.map((a) => `${type}(ceil(f32(${a}) / 4.0))`)]),
    );
  };
  return (type) => within(type, 3);
}

const cases = fc.tuple(overrides, fc.constantFrom<Integer>("i32", "u32")).chain(([list, type]) => {
  const named = expressions((wanted) => {
    const fits = list.flatMap((override, i) => (override.type === wanted ? [`o${i}`] : []));
    return wanted === "int" ? [] : [...fits, ...(wanted === "u32" ? ["tile.x", "tile[1]"] : ["k"])];
  });
  return fc.record({
    list: fc.constant(list),
    sizes: fc.array(named(type), { minLength: 1, maxLength: 3 }),
    constant: expressions(() => [])("int"),
  });
});

/** Makes ids distinct: of two equal ones, the first stays. */
function idsOf(list: readonly Override[]): (number | undefined)[] {
  return list.map(({ id }, i) => (list.findIndex((other) => other.id === id) === i ? id : undefined));
}

export function describeConstantExpressions(suite: Suite): void {
  describe.runIf(!isBrief(suite))("constant expressions", () => {
    const backend = useBackend(suite);

    it("give the workgroup size that the device uses, or are refused by name, with any overrides", async () => {
      const outcomes = { same: 0, unknown: 0, invalid: 0 };
      await fc.assert(
        fc.asyncProperty(cases, async ({ list, sizes, constant }) => {
          const ids = idsOf(list);
          const declarations = list.map(({ type, isTyped, initial }, i) => {
            const id = ids[i] === undefined ? "" : `@id(${ids[i]}) `;
            const value = `${initial}${type === "u32" ? "u" : "i"}`;
            return `${id}override o${i}${isTyped ? `: ${type}` : ""} = ${value};`;
          });
          const given: [string, number][] = list.flatMap(({ given: value, isGivenById }, i) =>
            value === undefined ? [] : [[isGivenById && ids[i] !== undefined ? `${ids[i]}` : `o${i}`, value]],
          );
          const constants: Constants = Object.fromEntries(given);
          // Maps any integer to a size that every device supports: at most 64, 2 and 2.
          const size = sizes.map((expression, i) => `((${expression}) & ${i === 0 ? 63 : 1}) + 1`).join(", ");
          const kernel = defineKernel({
            label: "sized",
            wgsl: `${declarations.join("\n")}
              const k: i32 = ${constant};
              const tile = vec2u(8, 4);
              @group(0) @binding(0) var<storage, read_write> size: array<atomic<u32>, 3>;
              @group(0) @binding(1) var<storage, read_write> values: array<u32>;
              fn helper(i: u32) -> u32 {
                switch i { ${list.map((_, i) => `case ${i}: { return u32(o${i}); }`).join(" ")} default: { return 0; } }
              }
              @compute @workgroup_size(${size}) fn main(@builtin(local_invocation_id) id: vec3u) {
                for (var i = 0u; i < 3; i++) { atomicMax(&size[i], id[i] + 1); }
                for (var i = 0u; i < arrayLength(&values); i++) { values[i] = helper(i); }
              }`,
            constants,
            threads: () => 1,
          });
          const bindings = { size: output(Uint32Array, 3), values: output(Uint32Array, list.length) };
          const results = await backend()
            .run(kernel, bindings)
            .catch((error: unknown) => error as Error);
          if (results instanceof Error) {
            const isUnknown =
              isComputeError(results, "unsupported-shader") &&
              /Kiln does not evaluate|may crash WebGPU's compiler/.test(results.message);
            // An overflow is an error in WGSL, which the device reports.
            if (!isUnknown && !isComputeError(results, "shader-compilation")) throw results;
            outcomes[isUnknown ? "unknown" : "invalid"] += 1;
            return;
          }
          outcomes.same += 1;
          expect([...results.values]).toEqual(list.map(({ initial, given: value }) => value ?? initial));
          const { workgroupSize } = (await loadProgram(kernel.programs.main!, "The kernel")).interface;
          expect([...results.size]).toEqual(workgroupSize);
        }),
        { numRuns: suite.drawsThousands && isLongRun ? 3000 : 60 },
      );
      const { same, unknown, invalid } = outcomes;
      expect(same, JSON.stringify(outcomes)).toBeGreaterThan(unknown + invalid);
    }, 3_600_000);

    it("combine overrides and constants as JavaScript does, or are refused before the compiler ends the process", async () => {
      const declarations = "override s = true; override t = false; const ON = true; const OFF = false;";
      const values = { s: true, t: false, ON: true, OFF: false };
      const names = Object.keys(values);
      const pairs = names.flatMap((a) => ["&&", "||"].flatMap((operator) => names.map((b) => `${a} ${operator} ${b}`)));
      const all = names.flatMap((a) =>
        ["&&", "||"].flatMap((operator) => pairs.map((inner) => `${a} ${operator} !(${inner})`)),
      );
      const moduleOf = (expressions: readonly string[]) => `${declarations}
        ${expressions.map((expression, i) => `override o${i}: bool = ${expression};`).join("\n")}
        @group(0) @binding(0) var<storage, read_write> results: array<u32>;
        @compute @workgroup_size(1) fn main() {
          ${expressions.map((_, i) => `results[${i}] = 1 + u32(o${i});`).join("\n")}
        }`;
      const accepted: string[] = [];
      const refused: string[] = [];
      for (const expression of all) {
        await loadProgram({ wgsl: moduleOf([expression]) }, "The kernel").then(
          () => accepted.push(expression),
          (error: unknown) => {
            if (!isComputeError(error, "unsupported-shader")) throw error;
            refused.push(expression);
          },
        );
      }
      expect(refused).toEqual([
        "s && !(s && OFF)",
        "s && !(t || ON)",
        "t || !(s && OFF)",
        "t || !(t || ON)",
        "ON && !(s && OFF)",
        "ON && !(t || ON)",
        "OFF || !(s && OFF)",
        "OFF || !(t || ON)",
      ]);
      const kernel = defineKernel({ label: "logic", wgsl: moduleOf(accepted), threads: () => 1 });
      const { results } = await backend().run(kernel, { results: output(Uint32Array, accepted.length) });
      const reference = new Function(...names, `return [${accepted}].map((value) => 1 + Number(value));`);
      expect([...results]).toEqual(reference(...Object.values(values)));
    });
  });
}
