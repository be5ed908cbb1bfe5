import type { UniformValue } from "@kiln-gpu/core";
import { UsageError } from "../usage-error.js";
import type { ElementType } from "./elements.js";

/** A length as it is written: a number, or as many elements as another binding has. */
export type LengthText = number | { readonly of: string };

/** What the text of a value says, before it is known what it is for. */
export type ValueText =
  | { readonly kind: "numbers"; readonly values: readonly number[] }
  | { readonly kind: "json"; readonly value: UniformValue }
  | { readonly kind: "ramp"; readonly length: LengthText; readonly start: number; readonly step: number }
  | {
      readonly kind: "random";
      readonly length: LengthText;
      readonly seed: number;
      readonly range: readonly [least: number, below: number] | undefined;
    }
  | { readonly kind: "fill"; readonly length: LengthText; readonly value: number }
  | { readonly kind: "measure"; readonly what: "length" | "width" | "height"; readonly of: string }
  | { readonly kind: "output"; readonly type: ElementType; readonly length: LengthText }
  | { readonly kind: "file"; readonly path: string };

/** The forms of a value, for help and errors. */
export const valueForms = `  1,2,3                  numbers; one number for a scalar
  {"scale":2,"n":3}      a struct, a list or a truth value in JSON
  ramp:N[:START[:STEP]]  N numbers from START (0) in steps of STEP (1)
  random:N[:SEED[:LEAST:BELOW]]
                         N random numbers, the same for the same SEED (1)
  zeros:N, fill:N:VALUE  N equal numbers
  FILE.npy               an array that NumPy has saved; its numbers are converted
  FILE.png               an image: u32 RGBA pixels for array<u32>, numbers from 0 to 1 for array<vec4f>, grey for array<f32>
  FILE                   any other file: its bytes, little-endian
  f32:N                  a result of N elements: f32, i32, u32 or f16
  length:NAME, width:NAME, height:NAME
                         the elements of another binding, or the pixels of its image
An N may be the name of another binding, which has as many elements: f32:x.`;

/** @throws {UsageError} for a form that is begun and not ended as it should be. */
export function readValue(option: string, text: string): ValueText {
  const [word, ...rest] = text.split(":") as [string, ...string[]];
  const refuse = (expected: string): never => {
    throw new UsageError(`${option} must be ${expected}; got "${text}".`);
  };
  const number = (given: string | undefined, otherwise: number): number => {
    if (given === undefined) return otherwise;
    const value = toNumber(given);
    return value ?? refuse("made of numbers");
  };
  const length = (): LengthText => {
    const [given = ""] = rest;
    if (given === "") return refuse(`"${word}:N" with a number of elements, or the name of a binding`);
    const value = toNumber(given);
    if (value === undefined) return { of: given };
    return Number.isSafeInteger(value) && value >= 0 ? value : refuse(`of a whole number of elements`);
  };
  const atMost = (count: number, form: string) => rest.length > count && refuse(form);
  if (rest.length > 0) {
    switch (word) {
      case "ramp":
        atMost(3, "ramp:N:START:STEP");
        return { kind: "ramp", length: length(), start: number(rest[1], 0), step: number(rest[2], 1) };
      case "random": {
        if (rest.length === 3) refuse("random:N:SEED:LEAST:BELOW, with both bounds or none");
        atMost(4, "random:N:SEED:LEAST:BELOW");
        const range = rest.length > 2 ? ([number(rest[2], 0), number(rest[3], 1)] as const) : undefined;
        return { kind: "random", length: length(), seed: number(rest[1], 1), range };
      }
      case "zeros":
        atMost(1, "zeros:N");
        return { kind: "fill", length: length(), value: 0 };
      case "fill":
        if (rest.length !== 2) refuse("fill:N:VALUE");
        return { kind: "fill", length: length(), value: number(rest[1], 0) };
      case "length":
      case "width":
      case "height":
        return { kind: "measure", what: word, of: rest.join(":") };
      case "f32":
      case "i32":
      case "u32":
      case "f16":
        atMost(1, `${word}:N`);
        return { kind: "output", type: word, length: length() };
    }
  }
  if (/^[[{]|^(true|false)$/.test(text)) {
    try {
      return { kind: "json", value: JSON.parse(text) as UniformValue };
    } catch (cause) {
      throw new UsageError(`${option} must be JSON if it begins with "${text[0]}": ${(cause as Error).message}`, {
        cause,
      });
    }
  }
  const numbers = text.split(",").map(toNumber);
  if (numbers.every((value) => value !== undefined)) return { kind: "numbers", values: numbers as number[] };
  if (text === "") refuse("a value");
  return { kind: "file", path: text };
}

/** `undefined` for text that is no number. */
function toNumber(text: string): number | undefined {
  const trimmed = text.trim();
  if (trimmed === "NaN") return Number.NaN;
  const value = trimmed === "" ? Number.NaN : Number(trimmed);
  return Number.isNaN(value) ? undefined : value;
}
