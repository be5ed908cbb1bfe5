import { describe, expect, it } from "vitest";
import { passBuiltins } from "./pass-builtins.js";

const words = (text: string) => text.replace(/\s+/gu, " ").trim();

describe("passBuiltins", () => {
  it("passes a built-in value through every function that needs it", () => {
    const wgsl = `
      var<private> id_1: vec3<u32>;
      fn deep() -> u32 { return id_1.x; }
      fn middle(n: u32) -> u32 { return n + deep(); }
      fn other(n: u32) -> u32 { return n; }
      fn main_1() { y[0] = middle(other(2u)) + deep(); }
      @group(0) @binding(0) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3<u32>) { id_1 = id; main_1(); }`;
    expect(words(passBuiltins(wgsl))).toBe(
      words(`
      fn deep(id_1: vec3<u32>) -> u32 { return id_1.x; }
      fn middle(id_1: vec3<u32>, n: u32) -> u32 { return n + deep(id_1); }
      fn other(n: u32) -> u32 { return n; }
      fn main_1(id_1: vec3<u32>) { y[0] = middle(id_1, other(2u)) + deep(id_1); }
      @group(0) @binding(0) var<storage, read_write> y: array<u32>;
      @compute @workgroup_size(1) fn main(@builtin(workgroup_id) id: vec3<u32>) { main_1(id); }`),
    );
  });

  it("passes what the entry point assigns, and several values in one order", () => {
    const wgsl = `
      var<private> a: i32; var<private> b: u32;
      fn use_both() -> u32 { return b + u32(a); }
      @compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) { a = i32(i); b = i; use_both(); }`;
    expect(words(passBuiltins(wgsl))).toBe(
      words(`
      fn use_both(a: i32, b: u32) -> u32 { return b + u32(a); }
      @compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) { use_both(i32(i), i); }`),
    );
  });

  it.each([
    ["has its address taken", "var<private> v: u32;", "f(&v);", "v = i;"],
    ["is written elsewhere in the entry point", "var<private> v: u32;", "f(v);", "v = i; v = 2u;"],
    ["has a value of its own", "var<private> v: u32 = 3u;", "f(v);", "v = i;"],
    ["is in workgroup memory", "var<workgroup> v: u32;", "f(v);", "v = i;"],
  ])("leaves a variable that %s", (_, declaration, use, assignment) => {
    const wgsl =
      `${declaration} fn g() { ${use} } ` +
      `@compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) { ${assignment} g(); }`;
    expect(passBuiltins(wgsl)).toBe(wgsl);
  });

  it("tells the address of a variable from a bitwise and", () => {
    const wgsl =
      "var<private> v: u32; fn g(n: u32) -> u32 { return n &v; } " +
      "@compute @workgroup_size(1) fn main(@builtin(local_invocation_index) i: u32) { v = i; _ = g(1u); }";
    expect(passBuiltins(wgsl)).toContain("fn g(v: u32, n: u32) -> u32 { return n &v; }");
  });
});
