/**
 * What a run accepts for a WGSL type, as a TypeScript type. `check-binding.ts` and `pack-uniform.ts` decide the same at
 * run time.
 */
import type { ByteArray, Bytes, Inout, InoutBytes, Output, TypedArray } from "../bindings/bindings.js";
import type { DeclaredTypes } from "./declarations.js";
import type { TakeFirst, Trimmed } from "./split-text.js";

/** `Float16Array`, which not every TypeScript library declares yet. */
export interface Float16Elements extends TypedArray {
  readonly [Symbol.toStringTag]: "Float16Array";
}

/** For a binding that the shader reads and writes: the caller says whether it goes in, comes back, or both. */
export type ReadWrite<T extends TypedArray | Bytes> =
  | T
  | Output<Extract<T, TypedArray> | (Bytes extends T ? ByteArray : never)>
  | Inout<Extract<T, TypedArray>>
  | (Bytes extends T ? InoutBytes : never);

interface ArrayByScalar {
  f32: Float32Array;
  i32: Int32Array;
  u32: Uint32Array;
  f16: Float16Elements | Uint16Array;
}

/** The arrays for a type that is made of these scalars. */
export type ArraysOfScalar<Scalar> = [Scalar] extends ["f32"]
  ? ArrayByScalar["f32"] | Bytes
  : [Scalar] extends ["i32"]
    ? ArrayByScalar["i32"] | Bytes
    : [Scalar] extends ["u32"]
      ? ArrayByScalar["u32"] | Bytes
      : [Scalar] extends ["f16"]
        ? ArrayByScalar["f16"] | Bytes
        : ArrayByScalar[keyof ArrayByScalar] | Bytes;

export interface HostType {
  /** The scalars that it is made of; "unknown" is among them if a part is not understood. */
  readonly scalar: keyof ArrayByScalar | "unknown";
  /** What it takes besides an array. */
  readonly value: unknown;
  /** Whether its size is fixed; otherwise the binding's length decides how many elements it has. */
  readonly isSized: boolean;
}

interface Sized<Scalar, Value> {
  readonly scalar: Scalar;
  readonly value: Value;
  readonly isSized: true;
}

type Vector<Scalar> = Sized<Scalar, readonly number[]>;
/** Column by column, flat or as columns. */
type Matrix<Scalar> = Sized<Scalar, readonly number[] | readonly (readonly number[])[]>;
type Unknown = Sized<"unknown", unknown>;

interface ScalarBySuffix {
  f: "f32";
  i: "i32";
  u: "u32";
  h: "f16";
}

/** The host's side of the type that `Text` names; `Text` is trimmed. */
export type HostTypeOf<Text extends string, Types extends DeclaredTypes> = Text extends keyof Types["aliases"]
  ? HostTypeOf<Types["aliases"][Text] & string, Types>
  : Text extends keyof Types["structs"]
    ? StructOf<MembersOf<Types["structs"][Text] & string>, Types>
    : Text extends keyof ArrayByScalar
      ? Sized<Text, number>
      : Text extends `${infer Name}<${infer Arguments}>`
        ? TemplateOf<Trimmed<Name>, TakeFirst<Arguments>, Types>
        : Text extends `vec${2 | 3 | 4}${infer Suffix extends keyof ScalarBySuffix}`
          ? Vector<ScalarBySuffix[Suffix]>
          : Text extends `mat${2 | 3 | 4}x${2 | 3 | 4}${infer Suffix extends "f" | "h"}`
            ? Matrix<ScalarBySuffix[Suffix]>
            : Unknown;

type TemplateOf<Name extends string, Arguments extends [string, string], Types extends DeclaredTypes> =
  HostTypeOf<Trimmed<Arguments[0]>, Types> extends infer Element extends HostType
    ? Name extends "array"
      ? {
          readonly scalar: Element["scalar"];
          readonly value: readonly Element["value"][];
          readonly isSized: Trimmed<Arguments[1]> extends "" ? false : true;
        }
      : Name extends "atomic"
        ? Element
        : Name extends `vec${2 | 3 | 4}`
          ? Vector<Element["scalar"]>
          : Name extends `mat${2 | 3 | 4}x${2 | 3 | 4}`
            ? Matrix<Element["scalar"]>
            : Unknown
    : Unknown;

type Member = readonly [name: string, type: string];

/** The names and types in `@align(16) a: f32, b: array<u32, 4>`. */
type MembersOf<Text extends string, Found extends readonly Member[] = []> = Text extends `${infer Name}:${infer Rest}`
  ? TakeFirst<Rest> extends [infer Type extends string, infer After extends string]
    ? MembersOf<After, [...Found, [WithoutAttributes<Name>, Trimmed<Type>]]>
    : Found
  : Found;

type WithoutAttributes<Name extends string> = Name extends `${string})${infer Rest}`
  ? WithoutAttributes<Rest>
  : Trimmed<Name>;

type StructOf<Members extends readonly Member[], Types extends DeclaredTypes> =
  HostTypeOf<Members[number][1], Types> extends infer Each extends HostType
    ? {
        readonly scalar: Each["scalar"];
        readonly value:
          | { readonly [M in Members[number] as M[0]]: ValueOf<HostTypeOf<M[1], Types>> }
          | (Members extends readonly [Member] ? Each["value"] : never);
        readonly isSized: false extends Each["isSized"] ? false : true;
      }
    : Unknown;

type ValueOf<Host extends HostType> = Host["value"];
