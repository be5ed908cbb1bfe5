/** What the language keeps for itself in a module, and what a generated module declares beside its kernels. */
const taken = new Set(
  (
    "arguments as async await break case catch class const continue debugger default delete do else enum eval export extends " +
    "false finally for function if implements import in instanceof interface let new null package private protected public " +
    "return static super switch this throw true try typeof undefined var void while with yield " +
    "Uint32Array kiln spirv wgsl"
  ).split(" "),
);

export interface ExportNames {
  readonly kernel: string;
  readonly bindings: string;
}

/**
 * For each kernel's name an identifier, and one for the type of its bindings, no two of which are the same: `my-kernel` is `myKernel`,
 * with `MyKernelBindings`.
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
