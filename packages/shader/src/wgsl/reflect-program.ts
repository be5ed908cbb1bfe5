import { isComputeError, type Program } from "@kiln-gpu/core";
import type { BindingInfo, ShaderInterface, TypeLayout } from "@kiln-gpu/core/backend";
import { Refusal } from "../refusal.js";
import { evaluate, evaluateInteger, evaluateScalar } from "./constant-expression.js";
import { isInteger } from "./constant-value.js";
import { type ModuleConstants, resolveConstants } from "./program-constants.js";
import {
  type Declaration,
  type FunctionDeclaration,
  type ValueDeclaration,
  valuesOf,
  type WgslModule,
} from "./scan-module.js";
import { errorAt, syntaxError, type Token } from "./scan-tokens.js";
import { freePlace, splittableOf } from "./splittable.js";
import { staticUse } from "./static-use.js";
import { templateArguments } from "./template-arguments.js";
import { TypeLayouts } from "./type-layout.js";
import { uniformProblem } from "./uniform-problem.js";

/** How many characters of an expression an error quotes. */
const maxQuoted = 100;

export interface ReflectedProgram {
  readonly interface: ShaderInterface;
  readonly constants: Readonly<Record<string, number>>;
}

/** The name and layout of a binding in the source from which the WGSL was translated. */
export type DescribeBinding = (binding: BindingInfo) => { readonly name: string; readonly layout: TypeLayout };

/** Reflects the program's entry point, with its constants applied. */
export function reflectProgram(
  module: WgslModule,
  { entryPoint, constants: given }: Pick<Program, "entryPoint" | "constants">,
  describe: DescribeBinding = asDeclared,
): ReflectedProgram {
  const entry = chooseEntryPoint(module, entryPoint);
  const used = staticUse(module, entry);
  const { constants, scope } = resolveConstants(module, used, given);
  const workgroupSize = workgroupSizeOf(module, entry, scope);
  const bindings = reflectBindings(module, used, scope);
  refuseNestedLogic(module, used, scope);
  const described = withOwnNames(bindings.map((binding) => ({ ...binding, ...describe(binding) })));
  return {
    interface: {
      entryPoint: entry.name,
      workgroupSize,
      workgroupByteLength: workgroupByteLengthOf(module, used, scope),
      bindings: described,
      unused: reflectUnused(module, used, scope),
      splittable: splittableOf(module, entry, bindings),
    },
    constants,
  };
}

export function computeEntryPoints(module: WgslModule): FunctionDeclaration[] {
  return [...module.declarations.values()].filter(
    (declaration): declaration is FunctionDeclaration =>
      declaration.kind === "function" && declaration.attributes.some(({ name }) => name === "compute"),
  );
}

function chooseEntryPoint(module: WgslModule, wanted: string | undefined): FunctionDeclaration {
  const entries = computeEntryPoints(module);
  return entries[
    chooseName(
      entries.map(({ name }) => name),
      wanted,
    )
  ]!;
}

/**
 * The index of the entry point that a program runs.
 * @throws {ComputeError} `unsupported-shader` if there is none; `invalid-kernel` if there are several and `wanted` is
 *   not one of them.
 */
export function chooseName(names: readonly string[], wanted: string | undefined): number {
  const list = names.map((name) => `"${name}"`).join(", ");
  if (names.length === 0) {
    throw new Refusal("unsupported-shader", "has no compute entry point, and only those run.");
  }
  if (wanted === undefined) {
    if (names.length === 1) return 0;
    throw new Refusal(
      "invalid-kernel",
      `has ${names.length} compute entry points; set \`entryPoint\` to one of ${list}.`,
    );
  }
  const index = names.indexOf(wanted);
  if (index < 0) {
    throw new Refusal("invalid-kernel", `has no compute entry point "${wanted}"; it has ${list}.`);
  }
  return index;
}

function workgroupSizeOf(
  module: WgslModule,
  entry: FunctionDeclaration,
  scope: ModuleConstants,
): readonly [number, number, number] {
  const sizes = entry.attributes.find(({ name }) => name === "workgroup_size")?.arguments ?? [];
  if (sizes.length < 1 || sizes.length > 3) {
    throw errorAt(
      "shader-compilation",
      module.source,
      nameOf(entry),
      `gives "${entry.name}" a @workgroup_size of ${sizes.length} dimensions; it must have 1 to 3.`,
    );
  }
  const [x = 1, y = 1, z = 1] = sizes.map((tokens) => {
    const value = evaluateScalar(tokens, scope);
    if (value && isInteger(value) && value.value >= 1 && value.value < 2 ** 32) return value.value;
    const place = placeOf(tokens) ?? nameOf(entry);
    const expression = module.source.slice(place.start, place.end);
    throw errorAt(
      "unsupported-shader",
      module.source,
      place,
      value
        ? `gives "${entry.name}" the workgroup size ${value.value}; it must be an integer, 1 or more.` +
            adviseOverrides(module, tokens)
        : `gives "${entry.name}" the workgroup size \`${expression}\`, which Kiln does not evaluate; write its value.`,
    );
  });
  return [x, y, z];
}

/** What cannot be counted is left out: the device refuses it if it is wrong or too much. */
function workgroupByteLengthOf(module: WgslModule, used: ReadonlySet<Declaration>, scope: ModuleConstants): number {
  let byteLength = 0;
  for (const variable of valuesOf(used, "variable")) {
    if (variable.template[0] !== "workgroup") continue;
    try {
      const layout = new TypeLayouts(module, scope, { withBool: true }).of(variable);
      byteLength += Math.ceil(layout.byteLength / 16) * 16;
    } catch (error) {
      if (!isComputeError(error)) throw error;
    }
  }
  return byteLength;
}

/** Names the overrides that an expression depends on: most often one has been left at a default of 0. */
function adviseOverrides({ declarations }: WgslModule, tokens: readonly Token[]): string {
  const overrides = new Set<string>();
  const seen = new Set<string>();
  const visit = (expression: readonly Token[]) => {
    for (const { text } of expression) {
      const declaration = declarations.get(text);
      if (seen.has(text) || (declaration?.kind !== "override" && declaration?.kind !== "const")) continue;
      seen.add(text);
      if (declaration.kind === "override") overrides.add(`"${text}"`);
      visit(declaration.initializer);
    }
  };
  visit(tokens);
  return overrides.size === 0 ? "" : ` It comes from ${[...overrides].join(" and ")}; set that in \`constants\`.`;
}

/**
 * Evaluates everything else that the device's compiler evaluates at module scope, and refuses expressions that may
 * crash it.
 */
function refuseNestedLogic({ source }: WgslModule, used: ReadonlySet<Declaration>, scope: ModuleConstants): void {
  for (const { name } of valuesOf(used, "override")) scope.valueOf(name);
  for (const { type, initializer } of [...valuesOf(used, "variable"), ...valuesOf(used, "alias")]) {
    if (initializer.length > 0) evaluate(initializer, scope);
    if (type[0]?.text !== "array") continue;
    const [, count] = templateArguments(type, (token, problem) => syntaxError(source, token, problem));
    if (count) evaluate(count, scope);
  }
  if (!scope.nestedLogic) return;
  const place = placeOf(scope.nestedLogic)!;
  const expression = source.slice(place.start, Math.min(place.end, place.start + maxQuoted));
  throw errorAt(
    "unsupported-shader",
    source,
    place,
    `computes \`${expression}\`, with one && or || inside an operand of another, which may crash WebGPU's compiler; ` +
      "make the inner one an override of its own.",
  );
}

function reflectBindings(module: WgslModule, used: ReadonlySet<Declaration>, scope: ModuleConstants): BindingInfo[] {
  const layouts = new TypeLayouts(module, scope);
  const bound = valuesOf(used, "variable").filter((variable) => isBinding(module, variable));
  const isImmediate = ({ template }: ValueDeclaration) => template[0] === "immediate";
  const bindings = bound
    .filter((variable) => !isImmediate(variable))
    .map((variable) => reflectBinding(module, variable, layouts, scope));
  const [immediate, other] = bound.filter(isImmediate);
  if (immediate && other) {
    throw new Refusal(
      "unsupported-shader",
      `uses "${immediate.name}" and "${other.name}" in the address space immediate; an entry point may use one variable there.`,
    );
  }
  if (immediate) bindings.push(reflectImmediate(immediate, layouts, bindings));
  bindings.sort((a, b) => a.group - b.group || a.binding - b.binding);
  for (const [i, { name, group, binding }] of bindings.entries()) {
    const next = bindings[i + 1];
    if (next?.group === group && next.binding === binding) {
      throw errorAt(
        "unsupported-shader",
        module.source,
        nameOf(module.declarations.get(next.name)!),
        `binds "${name}" and "${next.name}" at one place, group ${group} binding ${binding}; WebGPU has one buffer there.`,
      );
    }
  }
  return bindings;
}

function reflectBinding(
  module: WgslModule,
  variable: ValueDeclaration,
  layouts: TypeLayouts,
  scope: ModuleConstants,
): BindingInfo {
  const [space, access] = variable.template;
  return {
    name: variable.name,
    group: numberOf(module, variable, "group", scope),
    binding: numberOf(module, variable, "binding", scope),
    kind: space === "uniform" ? "uniform" : "storage",
    access: access === "read_write" ? "read-write" : "read",
    layout: layouts.of(variable),
  };
}

/** Its place is that of the buffer that replaces it on devices without immediates. */
function reflectImmediate(
  variable: ValueDeclaration,
  layouts: TypeLayouts,
  bindings: readonly BindingInfo[],
): BindingInfo {
  const { name } = variable;
  const layout = layouts.of(variable);
  const place = freePlace([...bindings].sort((a, b) => a.group - b.group));
  if (!place) {
    throw new Refusal("unsupported-shader", `uses "${name}", but its group has no free binding for it.`);
  }
  const kind = uniformProblem(layout, name) === undefined ? "uniform" : "storage";
  return { name, ...place, kind, access: "read", layout, isImmediate: true };
}

/** The buffers that the module declares and the entry point does not use. */
function reflectUnused(module: WgslModule, used: ReadonlySet<Declaration>, scope: ModuleConstants): BindingInfo[] {
  const unused = valuesOf(module.declarations.values(), "variable").filter(
    (variable) => !used.has(variable) && ["storage", "uniform", "immediate"].includes(variable.template[0] ?? ""),
  );
  return unused.flatMap((variable) => {
    try {
      const layouts = new TypeLayouts(module, scope);
      const info =
        variable.template[0] === "immediate"
          ? reflectImmediate(variable, layouts, [])
          : reflectBinding(module, variable, layouts, scope);
      return [{ ...info, ...asDeclared(info) }];
    } catch (error) {
      // A declaration that is not used and cannot be read does not make the program invalid.
      if (isComputeError(error)) return [];
      throw error;
    }
  });
}

/** Whether a variable is a buffer that a run binds. Other resources are refused. */
function isBinding({ source }: WgslModule, variable: ValueDeclaration): boolean {
  const { name, template, type } = variable;
  const [space] = template;
  if (space === "storage" || space === "uniform" || space === "immediate") return true;
  if (space === "private" || space === "workgroup") return false;
  const what =
    space !== undefined ? `"${name}" in the address space ${space}` : `"${name}", a ${type[0]?.text ?? "variable"}`;
  throw errorAt(
    "unsupported-shader",
    source,
    nameOf(variable),
    `uses ${what}; Kiln binds storage and uniform buffers.`,
  );
}

function numberOf(
  { source }: WgslModule,
  variable: ValueDeclaration,
  wanted: "group" | "binding",
  scope: ModuleConstants,
): number {
  const attribute = variable.attributes.find(({ name }) => name === wanted);
  const tokens = attribute?.arguments[0];
  const value = tokens && evaluateInteger(tokens, scope);
  if (value === undefined || value < 0 || value >= 2 ** 32) {
    throw errorAt(
      "shader-compilation",
      source,
      attribute ?? nameOf(variable),
      `declares "${variable.name}" without a numeric @${wanted}.`,
    );
  }
  return value;
}

/** The token of a declaration's name, which comes after its attributes. */
function nameOf({ name, attributes, tokens }: Declaration): Token {
  const start = attributes.at(-1)?.end ?? 0;
  return tokens.find((token) => token.start >= start && token.text === name)!;
}

function placeOf(tokens: readonly Token[]): Pick<Token, "start" | "end"> | undefined {
  return tokens.length === 0 ? undefined : { start: tokens[0]!.start, end: tokens.at(-1)!.end };
}

/** As WGSL declares it, except that a storage struct around one runtime array is that array: the bytes are the same. */
function asDeclared({ name, kind, layout }: BindingInfo): { name: string; layout: TypeLayout } {
  if (kind !== "storage" || layout.kind !== "struct" || layout.members.length !== 1) return { name, layout };
  const [sole] = layout.members;
  return { name, layout: sole!.layout.kind === "array" && sole!.layout.count === 0 ? sole!.layout : layout };
}

/** Bindings with the same name are called by their places instead. */
function withOwnNames(bindings: readonly BindingInfo[]): BindingInfo[] {
  const counts = new Map<string, number>();
  for (const { name } of bindings) counts.set(name, (counts.get(name) ?? 0) + 1);
  return bindings.map((info) => {
    return counts.get(info.name)! > 1 ? { ...info, name: `${info.group}/${info.binding}` } : info;
  });
}
