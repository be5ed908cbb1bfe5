/** What a shader's text declares, as texts; its comments are gone before. */
import type { Blank, Trimmed } from "./split-text.js";

/** A buffer: its name, what stands in `var<...>`, and its type. */
export interface DeclaredBuffer {
  readonly name: string;
  readonly space: string;
  readonly type: string;
}

/** The types that a text declares, by name: of structs the members, of aliases what they stand for. */
export interface DeclaredTypes {
  readonly structs: unknown;
  readonly aliases: unknown;
}

export interface TypesOf<Code extends string> {
  readonly structs: StructsOf<Code>;
  readonly aliases: AliasesOf<Code>;
}

export type BuffersOf<Code extends string, Found = never> = Code extends `${string}@group${infer Rest}`
  ? Rest extends `${infer Declaration};${infer After}`
    ? BuffersOf<After, Found | BufferOf<Declaration>>
    : Found
  : Found;

/** Immediates, which have no place. */
export type ImmediatesOf<
  Code extends string,
  Found = never,
> = Code extends `${string}var<immediate>${infer Name}:${infer Type};${infer After}`
  ? ImmediatesOf<After, Found | { name: Trimmed<Name>; space: "immediate"; type: Trimmed<Type> }>
  : Found;

/** Of `(0) @binding(0) var<storage, read> x: array<f32>`; of a texture or a sampler, which have no address space, nothing. */
type BufferOf<Declaration extends string> = Declaration extends `${string}<${infer Space}>${infer Name}:${infer Type}`
  ? { name: Trimmed<Name>; space: Space; type: Trimmed<Type> }
  : never;

/** The search goes on right behind the word, which may have been the end of another. */
type StructsOf<Code extends string, Found = unknown> = Code extends `${string}struct${infer Rest}`
  ? Rest extends `${Blank}${infer Name}{${infer Members}}${string}`
    ? StructsOf<Rest, Found & Record<Trimmed<Name>, Members>>
    : StructsOf<Rest, Found>
  : Found;

type AliasesOf<Code extends string, Found = unknown> = Code extends `${string}alias${infer Rest}`
  ? Rest extends `${Blank}${infer Name}=${infer Type};${string}`
    ? AliasesOf<Rest, Found & Record<Trimmed<Name>, Trimmed<Type>>>
    : AliasesOf<Rest, Found>
  : Found;

/** Whether the text has two entry points or more. */
export type HasSeveralEntryPoints<Code extends string> = Code extends `${string}@${Stage}${string}@${Stage}${string}`
  ? true
  : false;

type Stage = "compute" | "vertex" | "fragment";
