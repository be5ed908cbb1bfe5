import type { ShaderInterface, TypeLayout } from "@kiln-gpu/core/backend";
import { afterEach, describe, expect, it, vi } from "vitest";
import { refuseMisread } from "./misread-layout.js";

const matrix = (rows: number): TypeLayout => ({
  kind: "matrix",
  scalar: "f32",
  columns: 2,
  rows,
  columnStride: rows === 2 ? 8 : 16,
  byteLength: rows === 2 ? 16 : 32,
});
const struct = (member: string, layout: TypeLayout): TypeLayout => ({
  kind: "struct",
  name: "S",
  members: [{ name: member, offset: 0, layout }],
  byteLength: layout.byteLength,
});
const array = (element: TypeLayout): TypeLayout => ({
  kind: "array",
  element,
  stride: element.byteLength,
  count: 1,
  byteLength: element.byteLength,
});
const shader = (layout: TypeLayout, kind = "uniform") =>
  ({ bindings: [{ name: "v", kind, layout }] }) as unknown as ShaderInterface;

afterEach(() => {
  vi.unstubAllGlobals();
});

describe.each([
  ["Deno", { Deno: {} }],
  ["Firefox", { navigator: { userAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0" } }],
])("in %s", (_, globals) => {
  it.each([
    ["v.s.m", struct("s", struct("m", matrix(2)))],
    ["v[].m", array(struct("m", matrix(2)))],
    ["v.s.m", struct("s", struct("m", array(matrix(2))))],
    ["v.s[].m", struct("s", array(struct("m", matrix(2))))],
  ])("a matrix of two rows at %s of a uniform is refused", (path, layout) => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    expect(() => refuseMisread('Kernel "k"', shader(layout))).toThrow(
      `Kernel "k" has the matrix of two rows ${path} in a uniform, which the WebGPU of Deno and Firefox reads wrongly. ` +
        'Bind "v" as var<storage, read>.',
    );
  });

  it.each([
    ["alone", shader(matrix(2))],
    ["in a struct that is no part of another", shader(struct("m", matrix(2)))],
    ["with three rows", shader(struct("s", struct("m", matrix(3))))],
    ["in storage", shader(struct("s", struct("m", matrix(2))), "storage")],
  ])("a matrix %s is not", (__, given) => {
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    expect(() => refuseMisread('Kernel "k"', given)).not.toThrow();
  });
});

it("nothing is refused elsewhere", () => {
  expect(() => refuseMisread('Kernel "k"', shader(struct("s", struct("m", matrix(2)))))).not.toThrow();
});
