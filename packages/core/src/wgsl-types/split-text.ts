/**
 * Text taken apart by the type checker. Every step jumps to the next mark with `${infer A}MARK${infer B}`, so that steps count marks, not
 * characters: the checker takes 1,000 of them.
 */

export type Blank = " " | "\n" | "\t" | "\r";

export type Trimmed<Text extends string> = Text extends `${Blank}${infer Rest}`
  ? Trimmed<Rest>
  : Text extends `${infer Rest}${Blank}`
    ? Trimmed<Rest>
    : Text;

/** `[first, rest]` of a list with commas, where `array<f32, 4>` is one; `rest` is empty after the last. */
export type TakeFirst<List extends string, Before extends string = ""> = List extends `${infer Part},${infer Rest}`
  ? IsBalanced<`${Before}${Part}`> extends true
    ? [`${Before}${Part}`, Rest]
    : TakeFirst<Rest, `${Before}${Part},`>
  : [`${Before}${List}`, ""];

type IsBalanced<Text extends string> = Text extends `${infer A}<${infer B}>${infer C}`
  ? IsBalanced<`${A}${B}${C}`>
  : Text extends `${string}<${string}`
    ? false
    : true;

/**
 * `Text` without its comments, with blank space in their place; `string`, a text that is not known, where it has more marks than can be followed.
 * A division is a mark, too.
 */
export type WithoutComments<
  Text extends string,
  Code extends string = "",
  Steps extends readonly 1[] = [],
> = Steps["length"] extends 900
  ? string
  : Text extends `${infer A}/${infer B}`
    ? B extends `/${infer Comment}`
      ? Comment extends `${string}\n${infer Rest}`
        ? WithoutComments<Rest, `${Code}${A}\n`, [...Steps, 1]>
        : `${Code}${A}`
      : B extends `*${infer Comment}`
        ? WithoutComments<AfterBlockComment<Comment>, `${Code}${A} `, [...Steps, 1]>
        : WithoutComments<B, `${Code}${A}/`, [...Steps, 1]>
    : `${Code}${Text}`;

/** Block comments nest. */
type AfterBlockComment<
  Text extends string,
  Open extends readonly 1[] = [],
> = Text extends `${infer Comment}*/${infer Rest}`
  ? Comment extends `${string}/*${infer Inner}`
    ? AfterBlockComment<`${Inner}*/${Rest}`, [...Open, 1]>
    : Open extends [1, ...infer Outer extends readonly 1[]]
      ? AfterBlockComment<Rest, Outer>
      : Rest
  : "";
