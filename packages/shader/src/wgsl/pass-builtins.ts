import { applyEdits, type Edit } from "./edit-text.js";
import { type FunctionDeclaration, scanModule, type ValueDeclaration, valuesOf } from "./scan-module.js";
import { freeNames } from "./static-use.js";

interface Builtin {
  readonly variable: ValueDeclaration;
  /** The value that the entry point assigns to the variable. */
  readonly value: string;
  /** The place of that assignment. */
  readonly start: number;
  readonly end: number;
}

/**
 * Passes built-in values to functions as parameters. naga copies them into private variables, which WGSL's uniformity
 * analysis takes for different in each thread, so no barrier may depend on them. The analysis follows parameters to
 * their values.
 */
export function passBuiltins(wgsl: string): string {
  const { declarations } = scanModule(wgsl);
  const functions = [...declarations.values()].filter(
    (declaration): declaration is FunctionDeclaration => declaration.kind === "function",
  );
  const entry = functions.find(({ attributes }) => attributes.some(({ name }) => name === "compute"));
  if (!entry) return wgsl;
  const uses = new Map(functions.map((each) => [each, [...freeNames(each)].filter(({ isParameter }) => !isParameter)]));
  const builtins = builtinsOf(wgsl, entry, valuesOf(declarations.values(), "variable")).filter(
    ({ variable: { name } }) => functions.every((each) => each === entry || !takesAddress(each, name)),
  );
  const needs = new Map<string, Set<Builtin>>();
  for (const each of functions) {
    const names = new Set(uses.get(each)!.map(({ token }) => token.text));
    needs.set(each.name, new Set(builtins.filter(({ variable }) => each !== entry && names.has(variable.name))));
  }
  for (let isDone = false; !isDone; ) {
    isDone = true;
    for (const [each, names] of uses) {
      const own = needs.get(each.name)!;
      const before = own.size;
      for (const { token } of names) for (const builtin of needs.get(token.text) ?? []) own.add(builtin);
      if (own.size > before && each !== entry) isDone = false;
    }
  }

  const edits: Edit[] = builtins.flatMap(({ variable, start, end }) => [
    { start: variable.tokens[0]!.start, end: variable.tokens.at(-1)!.end, text: "" },
    { start, end, text: "" },
  ]);
  for (const [each, names] of uses) {
    for (const { token, index } of names) {
      const passed = [...(needs.get(token.text) ?? [])];
      if (passed.length === 0) continue;
      const [open, after] = [each.body[index + 1]!, each.body[index + 2]!];
      const values = passed.map(({ variable, value }) => (each === entry ? value : variable.name));
      const rest = after.text === ")" ? "" : ", ";
      edits.push({ start: open.end, end: open.end, text: values.join(", ") + rest });
    }
    if (each === entry) continue;
    const added = [...needs.get(each.name)!].map(({ variable }) => `${variable.name}: ${typeOf(wgsl, variable)}`);
    const open = each.tokens.find(({ text, start }) => text === "(" && start >= nameEnd(each))!;
    if (added.length === 0) continue;
    edits.push({ start: open.end, end: open.end, text: added.join(", ") + (each.parameters.length > 0 ? ", " : "") });
  }
  return applyEdits(wgsl, edits);
}

/** The private variables whose only use in the entry point is one assignment. */
function builtinsOf(wgsl: string, { body }: FunctionDeclaration, variables: readonly ValueDeclaration[]): Builtin[] {
  return variables.flatMap((variable) => {
    const uses = body.flatMap(({ text }, i) => (text === variable.name ? [i] : []));
    const at = uses[0] ?? 0;
    if (variable.template[0] !== "private" || variable.initializer.length > 0 || uses.length !== 1) return [];
    const end = body.findIndex(({ text }, i) => i > at && text === ";");
    if (body[at + 1]?.text !== "=" || end < 0) return [];
    const value = wgsl.slice(body[at + 2]!.start, body[end]!.start);
    return [{ variable, value, start: body[at]!.start, end: body[end]!.end }];
  });
}

/** A parameter has no address. */
function takesAddress({ body }: FunctionDeclaration, name: string): boolean {
  return body.some(({ text }, i) => {
    const before = body[i - 2];
    const isOperand =
      before?.kind === "name" || before?.kind === "number" || before?.text === ")" || before?.text === "]";
    return text === name && body[i - 1]?.text === "&" && !isOperand;
  });
}

function typeOf(wgsl: string, { type }: ValueDeclaration): string {
  return wgsl.slice(type[0]!.start, type.at(-1)!.end);
}

function nameEnd({ tokens, name }: FunctionDeclaration): number {
  const keyword = tokens.findIndex(({ text }) => text === "fn");
  return tokens.slice(keyword).find(({ text }) => text === name)!.end;
}
