import { ComputeError, type Program, type ScalarType } from "@kiln-gpu/core";
import { type ConstantScope, type ConstantValue, convert, evaluate } from "./constant-expression.js";
import { type Declaration, type ValueDeclaration, valuesOf, type WgslModule } from "./scan-module.js";

type Given = number | boolean;

const scalars: readonly string[] = ["f32", "f16", "i32", "u32", "bool"] satisfies ScalarType[];

/** Constants made of constants: deeper than this is refused rather than followed. */
const maxDepth = 100;

/** The module's `const` and `override` values, with what the program sets. */
export class ModuleConstants implements ConstantScope {
  readonly #module: WgslModule;
  readonly #values = new Map<string, ConstantValue | undefined>();
  #depth = 0;

  constructor(module: WgslModule) {
    this.#module = module;
  }

  declares(name: string): boolean {
    return this.#module.declarations.has(name);
  }

  valueOf(name: string): ConstantValue | undefined {
    if (this.#values.has(name)) return this.#values.get(name);
    // Set before it is known: a constant that names itself has no value.
    this.#values.set(name, undefined);
    const declaration = this.#module.declarations.get(name);
    if (declaration?.kind !== "const" && declaration?.kind !== "override") return undefined;
    this.#depth += 1;
    const value = this.#depth > maxDepth ? undefined : evaluate(declaration.initialiser, this);
    this.#depth -= 1;
    const type =
      this.#declaredType(declaration) ?? (declaration.kind === "override" && value ? concrete(value) : value?.type);
    const converted = type === undefined ? undefined : convert(value, type);
    this.#values.set(name, converted);
    return converted;
  }

  set(name: string, value: ConstantValue): void {
    this.#values.set(name, value);
  }

  /** The scalar type of an override; `undefined` where its initialiser is not evaluated here. */
  scalarOf(override: ValueDeclaration): ScalarType | undefined {
    const declared = this.#declaredType(override);
    if (declared !== undefined || override.type.length > 0) return declared;
    const value = evaluate(override.initialiser, this);
    return value && concrete(value);
  }

  #declaredType({ type }: ValueDeclaration): ScalarType | undefined {
    const seen = new Set<string>();
    for (let tokens = type; tokens.length === 1; ) {
      const name = tokens[0]!.text;
      if (scalars.includes(name)) return name as ScalarType;
      const alias = this.#module.declarations.get(name);
      if (alias?.kind !== "alias" || seen.has(name)) return undefined;
      seen.add(name);
      tokens = alias.type;
    }
    return undefined;
  }
}

/**
 * The program's constants under the keys that WebGPU wants, and the scope in which they have these values.
 * @throws {ComputeError} `invalid-kernel` for a constant that the module lacks, that is of another type, or that has no value.
 */
export function resolveConstants(
  module: WgslModule,
  used: ReadonlySet<Declaration>,
  given: Program["constants"],
  subject: string,
): { readonly constants: Readonly<Record<string, number>>; readonly scope: ModuleConstants } {
  const scope = new ModuleConstants(module);
  const overrides = valuesOf(module.declarations.values(), "override");
  const ids = new Map(overrides.map((override) => [override, idOf(override, scope, subject)]));
  // No prototype: a constant may be named "constructor" or "__proto__".
  const constants: Record<string, number> = Object.create(null);
  for (const [nameOrId, value] of Object.entries(given ?? {})) {
    const override = overrides.find((candidate) => candidate.name === nameOrId || ids.get(candidate) === nameOrId);
    if (!override) throw unknownConstant(subject, nameOrId, overrides, ids);
    const key = ids.get(override) ?? override.name;
    if (key in constants) {
      throw new ComputeError(
        "invalid-kernel",
        `${subject} sets its constant "${override.name}" twice, by name and as ${key}; give one.`,
      );
    }
    const typed = checkValue(override, value, scope.scalarOf(override), subject);
    constants[key] = Number(value);
    if (typed) scope.set(override.name, typed);
  }
  for (const override of valuesOf(used, "override")) {
    if (override.initialiser.length > 0) continue;
    if (!((ids.get(override) ?? override.name) in constants)) {
      throw new ComputeError(
        "invalid-kernel",
        `${subject} gives no value to its constant "${override.name}", which has no default; set it in \`constants\`.`,
      );
    }
  }
  return { constants, scope };
}

function idOf(override: ValueDeclaration, scope: ConstantScope, subject: string): string | undefined {
  const id = override.attributes.find((attribute) => attribute.name === "id");
  if (!id) return undefined;
  const value = evaluate(id.arguments[0] ?? [], scope);
  if (!value) {
    throw new ComputeError(
      "unsupported-shader",
      `${subject} gives its constant "${override.name}" an @id that is not evaluated here.`,
    );
  }
  return String(value.value);
}

function checkValue(
  { name }: ValueDeclaration,
  value: Given,
  scalar: ScalarType | undefined,
  subject: string,
): ConstantValue | undefined {
  if (typeof value !== "number" && typeof value !== "boolean") {
    throw new ComputeError(
      "invalid-kernel",
      `${subject} sets its constant "${name}" to a ${typeof value}; expected is a number or a boolean.`,
    );
  }
  if (scalar === undefined) return undefined;
  const isBool = scalar === "bool";
  const whole = scalar === "i32" || scalar === "u32";
  const given: ConstantValue = { type: isBool ? "bool" : whole ? "int" : "float", value: Number(value) };
  const typed = isBool === (typeof value === "boolean") ? convert(given, scalar) : undefined;
  if (!typed) {
    throw new ComputeError(
      "invalid-kernel",
      `${subject} declares its constant "${name}" as ${scalar}; ${value} is given.`,
    );
  }
  return typed;
}

function concrete({ type }: ConstantValue): ScalarType {
  return type === "int" ? "i32" : type === "float" ? "f32" : type;
}

function unknownConstant(
  subject: string,
  given: string,
  overrides: readonly ValueDeclaration[],
  ids: ReadonlyMap<ValueDeclaration, string | undefined>,
): ComputeError {
  const known = overrides.map((override) => {
    const id = ids.get(override);
    return id === undefined ? `"${override.name}"` : `"${override.name}" (${id})`;
  });
  const list = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
  return new ComputeError("invalid-kernel", `${subject} has no constant "${given}"; ${list}.`);
}
