/**
 * The bindings of a kernel, read from its WGSL by the type checker. What is not understood is typed loosely:
 * `plan-run.ts` decides whether a run is right.
 */
import type { Bindings, BindingValue } from "../bindings/bindings.js";
import type {
  BuffersOf,
  DeclaredBuffer,
  DeclaredTypes,
  HasSeveralEntryPoints,
  ImmediatesOf,
  TypesOf,
} from "./declarations.js";
import type { ArraysOfScalar, HostType, HostTypeOf, ReadWrite } from "./host-type.js";
import type { Blank, WithoutComments } from "./split-text.js";

/**
 * What a run of a kernel with this text binds, by name: `{ readonly x: Float32Array | Bytes }`. It is `Bindings` if the
 * text is not a literal, or is a template with a part that is not one: such a text may declare anything.
 */
export type WgslBindings<Wgsl extends string> = string extends Wgsl
  ? Bindings
  : TextBindings<Wgsl> extends infer B extends Bindings
    ? string extends keyof B
      ? B
      : { readonly [Name in keyof B]: B[Name] }
    : Bindings;

type TextBindings<Wgsl extends string> = Wgsl extends UnusualText
  ? Bindings
  : Record<never, 1> extends Record<Wgsl, 1>
    ? Bindings
    : CodeBindings<WithoutComments<Wgsl>>;

/** Line breaks and blank space that the types here do not look for. */
type UnusualText =
  `${string}${"\v" | "\f" | "\u0085" | "\u200e" | "\u200f" | "\u2028" | "\u2029" | `@${Blank}`}${string}`;

type CodeBindings<Code extends string> = string extends Code
  ? Bindings
  : [BuffersOf<Code>] extends [never]
    ? Bindings
    : HasSeveralEntryPoints<Code> extends true
      ? Partial<RecordOf<BuffersOf<Code> | ImmediatesOf<Code>, TypesOf<Code>>>
      : RecordOf<BuffersOf<Code> | ImmediatesOf<Code>, TypesOf<Code>>;

type RecordOf<Buffers extends DeclaredBuffer, Types extends DeclaredTypes> = {
  readonly [Buffer in Buffers as Buffer["name"]]: BindingOf<Buffer["space"], HostTypeOf<Buffer["type"], Types>>;
};

type BindingOf<Space extends string, Host extends HostType> = "unknown" extends Host["scalar"]
  ? BindingValue
  :
      | (Space extends `${string}read_write${string}`
          ? ReadWrite<ArraysOfScalar<Host["scalar"]>>
          : ArraysOfScalar<Host["scalar"]>)
      | (Host["isSized"] extends true ? Host["value"] : never);
