import { defineKernel, output, type UniformValue } from "@kiln-gpu/core";
import { isLongRun, RandomData } from "@kiln-gpu/test-support";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isBrief, type Suite, useBackend } from "../support/suite.js";

type Shape =
  | { readonly kind: "scalar"; readonly scalar: Scalar }
  | { readonly kind: "vector"; readonly scalar: Scalar; readonly components: number }
  | { readonly kind: "matrix"; readonly columns: number; readonly rows: number }
  | { readonly kind: "array"; readonly element: Shape; readonly count: number }
  | { readonly kind: "struct"; readonly members: readonly Member[] };

type Scalar = "f32" | "i32" | "u32";

interface Member {
  readonly shape: Shape;
  readonly align: number | undefined;
  readonly size: number | undefined;
}

const scalar = fc.constantFrom<Scalar>("f32", "i32", "u32");
const length = fc.integer({ min: 2, max: 4 });
const leaf: fc.Arbitrary<Shape> = fc.oneof(
  scalar.map((of): Shape => ({ kind: "scalar", scalar: of })),
  fc.record({ kind: fc.constant("vector" as const), scalar, components: length }),
  fc.record({ kind: fc.constant("matrix" as const), columns: length, rows: length }),
);

const shapes = fc.memo((depth): fc.Arbitrary<Shape> => {
  if (depth <= 1) return leaf;
  const member: fc.Arbitrary<Member> = fc.record({
    shape: shapes(),
    align: fc.option(fc.constantFrom(16, 32, 64), { nil: undefined, freq: 4 }),
    size: fc.option(
      fc.integer({ min: 16, max: 24 }).map((words) => words * 4),
      { nil: undefined, freq: 4 },
    ),
  });
  return fc.oneof(
    leaf,
    fc.record({ kind: fc.constant("array" as const), element: shapes(), count: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ kind: fc.constant("struct" as const), members: fc.array(member, { minLength: 1, maxLength: 5 }) }),
  );
});

/** WGSL that declares a shape, a value for it, and the access path of each scalar. Each scalar is one word. */
class Declared {
  declarations = "";
  readonly paths: string[] = [];
  readonly words: number[] = [];
  readonly type: string;
  readonly value: UniformValue;
  readonly #data: RandomData;
  readonly #isUniform: boolean;
  #names = 0;

  constructor(shape: Shape, isUniform: boolean, seed: number) {
    this.#isUniform = isUniform;
    this.#data = new RandomData(seed);
    this.type = this.#typeOf(shape);
    this.value = this.#valueOf(shape, "value");
  }

  #typeOf(shape: Shape): string {
    switch (shape.kind) {
      case "scalar":
        return this.#aliased(shape.scalar);
      case "vector":
        return this.#data.word() % 2
          ? `vec${shape.components}${shape.scalar[0]}`
          : `vec${shape.components}<${this.#aliased(shape.scalar)}>`;
      case "matrix":
        return `mat${shape.columns}x${shape.rows}${this.#data.word() % 2 ? "f" : "<f32>"}`;
      case "array": {
        const element = this.#typeOf(shape.element);
        // Array elements in a uniform are aligned to 16 bytes, which a struct around each achieves.
        const padded = this.#isUniform
          ? this.#struct([`@align(${leastAlignOf(shape.element)}) item: ${element}`])
          : element;
        return this.#aliased(`array<${padded}, ${this.#countOf(shape.count)}>`);
      }
      case "struct":
        return this.#struct(shape.members.map((member, i) => this.#memberOf(member, shape.members[i - 1], i)));
    }
  }

  #memberOf({ shape, align, size }: Member, before: Member | undefined, i: number): string {
    const isComposite = isCompositeShape(shape);
    // In a uniform, a struct and the member after it are aligned to 16 bytes.
    const isForced = this.#isUniform && (isComposite || before?.shape.kind === "struct" || i === 0);
    const least = leastAlignOf(shape);
    const aligned = align === undefined ? (isForced ? least : undefined) : Math.max(align, least);
    const attributes = [
      ...(aligned === undefined ? [] : [`@align(${aligned === 32 ? "1 << 5" : aligned})`]),
      // No scalar, vector or matrix is larger than 64 bytes.
      ...(size === undefined || isComposite ? [] : [`@size(${size})`]),
    ];
    return `${attributes.join(" ")} m${i}: ${this.#typeOf(shape)}`;
  }

  #countOf(count: number): string {
    if (this.#data.word() % 2) return `${count}`;
    const name = this.#name("n");
    this.declarations += `const ${name} = ${2 * count + 1}u;\n`;
    return `(${name} - 1u) / 2`;
  }

  #struct(members: readonly string[]): string {
    const name = this.#name("S");
    this.declarations += `struct ${name} { ${members.join(", ")} }\n`;
    return name;
  }

  #aliased(type: string): string {
    if (this.#data.word() % 4) return type;
    const name = this.#name("A");
    this.declarations += `alias ${name} = ${type};\n`;
    return name;
  }

  #name(of: string): string {
    this.#names += 1;
    return `${of}${this.#names}`;
  }

  #valueOf(shape: Shape, path: string): UniformValue {
    const list = (count: number, value: (i: number) => UniformValue) =>
      Array.from({ length: count }, (_, i) => value(i));
    switch (shape.kind) {
      case "scalar":
        return this.#leaf(shape.scalar, path);
      case "vector":
        return list(shape.components, (i) => this.#leaf(shape.scalar, `${path}.${"xyzw"[i]}`));
      case "matrix": {
        const columns = list(shape.columns, (c) => list(shape.rows, (r) => this.#leaf("f32", `${path}[${c}][${r}]`)));
        return this.#data.word() % 2 ? columns : (columns as number[][]).flat();
      }
      case "array":
        return list(shape.count, (i) => {
          const at = `${path}[${i}]`;
          return this.#isUniform
            ? { item: this.#valueOf(shape.element, `${at}.item`) }
            : this.#valueOf(shape.element, at);
        });
      case "struct":
        return Object.fromEntries(
          shape.members.map((member, i) => [`m${i}`, this.#valueOf(member.shape, `${path}.m${i}`)]),
        );
    }
  }

  #leaf(type: Scalar, path: string): number {
    const word = this.#data.word();
    const value = type === "f32" ? this.#data.float() : type === "i32" ? word | 0 : word;
    this.paths.push(path);
    this.words.push(type === "f32" ? new Uint32Array(new Float32Array([value]).buffer)[0]! : word);
    return value;
  }
}

function isCompositeShape({ kind }: Shape): boolean {
  return kind === "array" || kind === "struct";
}

/** A multiple of the alignment of `shape` and of the 16 bytes of uniforms. Composites are aligned to 64. */
function leastAlignOf(shape: Shape): number {
  return isCompositeShape(shape) ? 64 : 16;
}

export function describeUniformLayouts(suite: Suite): void {
  describe.runIf(!isBrief(suite))("a type of any layout", () => {
    const backend = useBackend(suite);

    it.each(["uniform", "storage, read"])(
      "is packed into var<%s> so that a shader reads every field back",
      async (space) => {
        await fc.assert(
          fc.asyncProperty(shapes(4), fc.nat(), async (shape, seed) => {
            const { declarations, type, value, paths, words } = new Declared(shape, space === "uniform", seed);
            const kernel = defineKernel({
              label: "read back",
              wgsl: `${declarations}
                @group(0) @binding(0) var<${space}> value: ${type};
                @group(0) @binding(1) var<storage, read_write> words: array<u32>;
                @compute @workgroup_size(1) fn main() {
                  ${paths.map((path, i) => `words[${i}] = bitcast<u32>(${path});`).join("\n")}
                }`,
              threads: () => 1,
            });
            const results = await backend().run(kernel, { value, words: output(Uint32Array, words.length) });
            expect([...results.words], declarations).toEqual(words);
          }),
          { numRuns: suite.drawsThousands && isLongRun ? 2000 : 30 },
        );
      },
      3_600_000,
    );
  });
}
