/** What a shader's text declares, as texts. The text has no comments any more. */
import type { Blank, Trimmed } from "./split-text.js";

/** A buffer: its name, what stands in `var<...>`, and its type. */
export interface DeclaredBuffer {
  readonly name: string;
  readonly space: string;
  readonly type: string;
}

/** The types that a text declares, by name: the members of structs, and what aliases stand for. */
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

/** Immediates, which have no group and binding. */
export type ImmediatesOf<
  Code extends string,
  Found = never,
> = Code extends `${string}var<immediate>${infer Name}:${infer Type};${infer After}`
  ? ImmediatesOf<After, Found | { name: Trimmed<Name>; space: "immediate"; type: Trimmed<Type> }>
  : Found;

/**
 * The buffer in `(0) @binding(0) var<storage, read> x: array<f32>`; nothing for a texture or a sampler, which have no
 * address space.
 */
type BufferOf<Declaration extends string> = Declaration extends `${string}<${infer Space}>${infer Name}:${infer Type}`
  ? { name: Trimmed<Name>; space: Space; type: Trimmed<Type> }
  : never;

/** The search goes on right after `struct`, which may be the end of another word. */
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

/** Whether the text has two or more entry points. */
export type HasSeveralEntryPoints<Code extends string> = Code extends `${string}@${Stage}${string}@${Stage}${string}`
  ? true
  : false;

type Stage = "compute" | "vertex" | "fragment";
