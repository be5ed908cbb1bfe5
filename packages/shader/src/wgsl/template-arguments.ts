import type { Token } from "./scan-tokens.js";

/**
 * The arguments of a type as lists of tokens: `vec2<f32>` and `n + 1` for `array<vec2<f32>, n + 1>`, none for `f32`.
 * @param invalid Makes the error for a token that does not belong there.
 */
export function templateArguments(
  type: readonly Token[],
  invalid: (token: Token, problem: string) => Error,
): (readonly Token[])[] {
  const [head, open] = type;
  if (!open) return [];
  if (open.text !== "<") throw invalid(open, `"${open.text}" stands where a type has ended`);
  const list: (readonly Token[])[] = [];
  const brackets: string[] = [];
  let start = 2;
  for (let i = start; i < type.length; i += 1) {
    const token = type[i]!;
    const { text } = token;
    if (brackets.length === 0 && (text === "," || text === ">")) {
      const isEmpty = i === start;
      // A comma is allowed before the `>` that ends the list.
      if (isEmpty && text === ",") throw invalid(token, '"," stands where an expression is expected');
      if (!isEmpty) list.push(type.slice(start, i));
      start = i + 1;
      if (text === ",") continue;
      if (type[start]) throw invalid(type[start]!, `"${type[start]!.text}" stands where a type has ended`);
      return list;
    }
    if (text === "(" || text === "[" || (text === "<" && opensTemplate(type, i))) brackets.push(text);
    else if (text === ">" && brackets.at(-1) === "<") brackets.pop();
    else if (text === ")" || text === "]") {
      while (brackets.at(-1) === "<") brackets.pop();
      brackets.pop();
    }
  }
  throw invalid(head!, `the arguments of "${head!.text}" do not end`);
}

/** Whether the `<` at `i` begins a template list; in `a << b` and `a <= b` it is an operator. */
export function opensTemplate(tokens: readonly Token[], i: number): boolean {
  const [before, here, after] = [tokens[i - 1], tokens[i]!, tokens[i + 1]];
  if (before?.kind !== "name") return false;
  return !(after && after.start === here.end && (after.text === "<" || after.text === "="));
}
