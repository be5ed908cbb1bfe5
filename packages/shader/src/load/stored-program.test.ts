import { isComputeError, type Program } from "@kiln-gpu/core";
import { describe, expect, it } from "vitest";
import { checkedProgram, loadProgram, type StoredPrograms } from "../index.js";

/** Keeps what JSON keeps, as a disk does; under all that decides it, as JSON too, with bytes as a list. */
class Memory implements StoredPrograms {
  readonly stored = new Map<string, string>();
  found = 0;

  async find<T>(request: object, check: (value: unknown) => T | undefined): Promise<T | undefined> {
    const text = this.stored.get(keyOf(request));
    const value = text === undefined ? undefined : check(JSON.parse(text));
    if (value !== undefined) this.found += 1;
    return value;
  }

  save(request: object, program: object): void {
    this.stored.set(keyOf(request), JSON.stringify(program));
  }
}

const keyOf = (request: object) => JSON.stringify(request);

const wgsl = `struct Point { place: vec3f, weight: f32, turn: mat3x3f, tags: array<vec2u, 3> }
  struct Points { count: u32, points: array<Point> }
  override size: u32 = 64;
  @id(7) override isLoud: bool = false;
  @group(0) @binding(0) var<uniform> scale: f32;
  @group(0) @binding(1) var<storage, read_write> all: Points;
  @compute @workgroup_size(size) fn main(@builtin(global_invocation_id) id: vec3u) {
    if (isLoud) { all.points[id.x].weight = scale; }
  }`;
const program: Program = { wgsl, constants: { size: 32, isLoud: true }, file: "points.wgsl" };

describe("a program that is stored", () => {
  it("is what was read, field by field, and is not read again", async () => {
    const memory = new Memory();
    const read = await loadProgram(program, "It");
    for (const found of [0, 1, 2]) {
      expect(await loadProgram(program, "It", { stored: memory })).toEqual(read);
      expect(memory.found).toBe(found);
    }
    expect(memory.stored.size).toBe(1);
    // The caller has the text.
    expect([...memory.stored.values()][0]).not.toContain("struct Point");
  });

  it("is another for any other text, entry point or constant", async () => {
    const memory = new Memory();
    const others: Program[] = [
      program,
      { ...program, wgsl: `${wgsl} ` },
      { ...program, entryPoint: "main" },
      { ...program, constants: { size: 32 } },
      { ...program, constants: { size: 32, isLoud: false } },
    ];
    for (const other of others) {
      expect(await loadProgram(other, "It", { stored: memory })).toEqual(await loadProgram(other, "It"));
    }
    expect(memory.found).toBe(0);
    expect(memory.stored.size).toBe(others.length);
  });

  it("is none with a constant of -0, which JSON writes as 0", async () => {
    const memory = new Memory();
    const signed = "override scale: f32; @compute @workgroup_size(1) fn main() { _ = scale; }";
    for (const [scale, kept] of [
      [-0, 0],
      [0, 1],
    ] as const) {
      const { constants } = await loadProgram({ wgsl: signed, constants: { scale } }, "It", { stored: memory });
      expect(constants).toEqual({ scale });
      expect(memory.stored.size).toBe(kept);
    }
  });

  it("has the file's name that the present caller gives", async () => {
    const memory = new Memory();
    await loadProgram(program, "It", { stored: memory });
    expect((await loadProgram({ ...program, file: "moved.wgsl" }, "It", { stored: memory })).file).toBe("moved.wgsl");
    expect(memory.found).toBe(1);
  });

  it("is none where the program is refused", async () => {
    const memory = new Memory();
    const refused = { ...program, constants: { none: 1 } };
    for (let i = 0; i < 2; i += 1) {
      const error = await loadProgram(refused, "It", { stored: memory }).catch((caught: unknown) => caught);
      expect(isComputeError(error, "invalid-kernel")).toBe(true);
    }
    expect(memory.stored.size).toBe(0);
  });

  it("is read anew where anything in it has not the type that it should have", async () => {
    const { wgsl: text, interface: shader, constants } = await loadProgram(program, "It");
    const good = JSON.parse(JSON.stringify({ wgsl: text, interface: shader, constants })) as object;
    expect(checkedProgram(good)).toEqual(good);
    let changes = 0;
    for (const path of pathsOf(good)) {
      for (const other of [undefined, null, {}, -1.5, Number.NaN, true]) {
        const changed = structuredClone(good);
        const isOpen = path.at(-1) === "splittable" || path[0] === "constants";
        // A reason is any text, a constant any number, and a list may be shorter.
        if (isOpen && typeof other === "number") continue;
        set(changed, path, other);
        if (path[0] === "constants" && path.length === 1 && JSON.stringify(other) === "{}") continue;
        expect(checkedProgram(changed), `${path.join(".")} = ${String(other)}`).toBeUndefined();
        changes += 1;
      }
    }
    expect(changes).toBeGreaterThan(300);
  });

  it("is no nest of types without end", () => {
    let layout: object = { kind: "scalar", scalar: "f32", byteLength: 4 };
    for (let i = 0; i < 100_000; i += 1)
      layout = { kind: "array", element: layout, stride: 4, count: 1, byteLength: 4 };
    const binding = { name: "a", group: 0, binding: 0, kind: "storage", access: "read", layout };
    const shader = {
      entryPoint: "main",
      workgroupSize: [1, 1, 1],
      workgroupByteLength: 0,
      bindings: [binding],
      splittable: "it is not",
    };
    expect(checkedProgram({ wgsl: "", interface: shader, constants: {} })).toBeUndefined();
  });
});

function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [[...path]];
  const below = Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...path, name]));
  return path.length === 0 ? below : [[...path], ...below];
}

function set(target: object, path: readonly string[], value: unknown): void {
  let at = target as Record<string, unknown>;
  for (const name of path.slice(0, -1)) at = at[name] as Record<string, unknown>;
  at[path.at(-1)!] = value;
}
