/** The reserved words of the language, and the other names that a generated module declares or uses. */
const taken = new Set(
  (
    "arguments as async await break case catch class const continue debugger default delete do else enum eval " +
    "export extends false finally for function if implements import in instanceof interface let new null " +
    "package private protected public return static super switch this throw true try typeof undefined var void " +
    "while with yield Uint32Array kiln spirv wgsl"
  ).split(" "),
);

export interface ExportNames {
  readonly kernel: string;
  readonly bindings: string;
}

/**
 * Gives each kernel an identifier, and another one to the type of its bindings: `my-kernel` becomes `myKernel`, with
 * `MyKernelBindings`. All identifiers are different.
 */
export function exportNames(names: readonly string[]): ExportNames[] {
  const used = new Set(taken);
  const own = (wanted: string) => {
    let name = wanted;
    while (used.has(name)) name += "_";
    used.add(name);
    return name;
  };
  return names.map((name) => {
    const kernel = own(identifierOf(name));
    return { kernel, bindings: own(`${capitalized(kernel)}Bindings`) };
  });
}

function identifierOf(name: string): string {
  const [first = "", ...rest] = name.split(/[^\p{ID_Continue}]+/u).filter((word) => word !== "");
  const joined = first + rest.map(capitalized).join("");
  return /^[\p{ID_Start}_]/u.test(joined) ? joined : `_${joined}`;
}

function capitalized(word: string): string {
  const [first = ""] = word;
  return first.toUpperCase() + word.slice(first.length);
}
