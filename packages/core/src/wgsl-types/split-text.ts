/**
 * Text, taken apart by the type checker. Each step jumps to the next mark with `${infer A}MARK${infer B}`, so the
 * number of steps depends on marks, not on characters: the checker allows 1,000 steps.
 */

export type Blank = " " | "\n" | "\t" | "\r";

export type Trimmed<Text extends string> = Text extends `${Blank}${infer Rest}`
  ? Trimmed<Rest>
  : Text extends `${infer Rest}${Blank}`
    ? Trimmed<Rest>
    : Text;

/** `[first, rest]` of a list separated by commas, where `array<f32, 4>` is one item; `rest` is empty after the last. */
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
 * `Text` with blank space in place of its comments; `string`, an unknown text, if it has more marks than can be
 * followed. A division is a mark too.
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
