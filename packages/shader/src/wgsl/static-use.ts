import type { Attribute, Declaration, FunctionDeclaration, WgslModule } from "./scan-module.js";
import type { Token } from "./scan-tokens.js";

/** Attributes whose arguments are words of the language, not names in the module. */
const wordAttributes = new Set(["builtin", "diagnostic", "interpolate"]);

/** The declarations that `entry` uses statically: itself, those that it names, those that these name, and so on. */
export function staticUse(module: WgslModule, entry: Declaration): Set<Declaration> {
  const used = new Set<Declaration>([entry]);
  // Iterating a set also visits the elements added meanwhile.
  for (const declaration of used) {
    for (const { text } of namesIn(declaration)) {
      const named = module.declarations.get(text);
      if (named) used.add(named);
    }
  }
  return used;
}

function* namesIn(declaration: Declaration): Iterable<Token> {
  yield* inAttributes(declaration.attributes);
  switch (declaration.kind) {
    case "function":
      for (const { attributes, type } of declaration.parameters) {
        yield* inAttributes(attributes);
        yield* namesOf(type);
      }
      yield* namesOf(declaration.returnType);
      for (const { token, isParameter } of freeNames(declaration)) if (!isParameter) yield token;
      return;
    case "struct":
      for (const { attributes, type } of declaration.members) {
        yield* inAttributes(attributes);
        yield* namesOf(type);
      }
      return;
    default:
      yield* namesOf(declaration.type);
      yield* namesOf(declaration.initializer);
  }
}

function* inAttributes(attributes: readonly Attribute[]): Iterable<Token> {
  for (const attribute of attributes) {
    if (!wordAttributes.has(attribute.name)) for (const argument of attribute.arguments) yield* namesOf(argument);
  }
}

function* namesOf(tokens: readonly Token[]): Iterable<Token> {
  for (const [i, token] of tokens.entries()) {
    if (token.kind === "name" && tokens[i - 1]?.text !== "." && tokens[i - 1]?.text !== "@") yield token;
  }
}

/** The names in a function's body that refer to its parameters or to the module's declarations, not to its locals. */
export function* freeNames(
  declaration: FunctionDeclaration,
): Iterable<{ readonly token: Token; readonly index: number; readonly isParameter: boolean }> {
  const { body } = declaration;
  const parameters = new Set(declaration.parameters.map((parameter) => parameter.name.text));
  // A `for` opens a scope for the declarations in its header, which ends with the loop's body.
  const scopes: { readonly names: string[]; readonly isFor: boolean }[] = [{ names: [], isFor: false }];
  // How many open scopes declare each local; searching all scopes would take time proportional to their depth.
  const locals = new Map<string, number>();
  const count = (text: string, by: number) => locals.set(text, (locals.get(text) ?? 0) + by);
  const close = () => {
    for (const text of scopes.pop()?.names ?? []) count(text, -1);
  };
  let pending: string | undefined;
  for (let index = 0; index < body.length; index += 1) {
    const token = body[index]!;
    const before = body[index - 1]?.text;
    switch (token.text) {
      case "for":
        scopes.push({ names: [], isFor: true });
        continue;
      case "{":
        scopes.push({ names: [], isFor: false });
        continue;
      case "}":
        close();
        if (scopes.at(-1)?.isFor) close();
        continue;
      case ";":
        // A local is visible after its declaration.
        if (pending !== undefined) {
          scopes.at(-1)?.names.push(pending);
          count(pending, 1);
        }
        pending = undefined;
        continue;
      case "let":
      case "var":
      case "const":
        index += 1;
        if (body[index]?.text === "<") while (body[index] && body[index]!.text !== ">") index += 1;
        if (body[index]?.text === ">") index += 1;
        pending = body[index]?.text;
        continue;
    }
    if (token.kind !== "name" || before === ".") continue;
    if (before === "@") {
      if (wordAttributes.has(token.text)) while (body[index] && body[index]!.text !== ")") index += 1;
      continue;
    }
    if (locals.get(token.text)) continue;
    yield { token, index, isParameter: parameters.has(token.text) };
  }
}
