import type { ComputeError, Program } from "@kiln-gpu/core";
import type { ScalarType } from "@kiln-gpu/core/backend";
import { Refusal } from "../refusal.js";
import { type ConstantScope, evaluate, evaluateInteger, evaluateScalar } from "./constant-expression.js";
import { type ConstantTypeName, constantTypeOf } from "./constant-operations.js";
import { type Constant, type ConstantType, type ConstantValue, convert, isVector } from "./constant-value.js";
import { type Declaration, type ValueDeclaration, valuesOf, type WgslModule } from "./scan-module.js";
import type { Token } from "./scan-tokens.js";

type Given = number | boolean;

/** The values of the module's `const` and `override` declarations, with the constants that the program sets. */
export class ModuleConstants implements ConstantScope {
  depth = 0;
  /** An expression that must not reach the device; see `ConstantScope.onNestedLogic`. */
  nestedLogic: readonly Token[] | undefined;
  readonly #module: WgslModule;
  readonly #values = new Map<string, Constant | undefined>();

  constructor(module: WgslModule) {
    this.#module = module;
  }

  declares(name: string): boolean {
    return this.#module.declarations.has(name);
  }

  isOverride(name: string): boolean {
    return this.#module.declarations.get(name)?.kind === "override";
  }

  onNestedLogic(expression: readonly Token[]): void {
    this.nestedLogic ??= expression;
  }

  valueOf(name: string): Constant | undefined {
    if (this.#values.has(name)) return this.#values.get(name);
    // Set before the evaluation, so that a constant which refers to itself has no value.
    this.#values.set(name, undefined);
    const declaration = this.#module.declarations.get(name);
    if (declaration?.kind !== "const" && declaration?.kind !== "override") return undefined;
    const value = evaluate(declaration.initializer, this);
    const typed = value && this.#typed(declaration, value);
    this.#values.set(name, typed);
    return typed;
  }

  /** Sets the value of `name`; `undefined` if it has a value that is not known. */
  set(name: string, value: ConstantValue | undefined): void {
    this.#values.set(name, value);
  }

  /** The scalar type of an override; `undefined` if its initializer is not evaluated here. */
  scalarOf(override: ValueDeclaration): ScalarType | undefined {
    if (override.type.length > 0) {
      const declared = this.#typeOf(override.type);
      return declared?.components === 1 ? concrete(declared.scalar!) : undefined;
    }
    const value = evaluateScalar(override.initializer, this);
    return value && concrete(value.type);
  }

  #typed({ kind, type }: ValueDeclaration, value: Constant): Constant | undefined {
    if (type.length === 0) return kind === "override" ? convert(value, concrete(value.type)) : value;
    const declared = this.#typeOf(type);
    const components = isVector(value) ? value.components.length : 1;
    if (declared?.components !== components) return undefined;
    return convert(value, declared.scalar ?? value.type);
  }

  #typeOf(type: readonly Token[]): ConstantTypeName | undefined {
    const seen = new Set<string>();
    for (let tokens = type; ; ) {
      const [name, open, template, close, more] = tokens;
      if (!name || seen.has(name.text)) return undefined;
      seen.add(name.text);
      const declared = this.#module.declarations.get(name.text);
      if (!declared) {
        if (!open) return constantTypeOf(name.text, undefined);
        const isTemplate = open.text === "<" && close?.text === ">" && !more && !this.declares(template!.text);
        return isTemplate ? constantTypeOf(name.text, template!.text) : undefined;
      }
      if (declared.kind !== "alias" || open) return undefined;
      tokens = declared.type;
    }
  }
}

/**
 * Returns the program's constants under the keys that WebGPU takes, and the scope in which they have these values.
 * @throws {ComputeError} `invalid-kernel` for a constant that the module lacks, that has another type, or that has no
 *   value.
 */
export function resolveConstants(
  module: WgslModule,
  used: ReadonlySet<Declaration>,
  given: Program["constants"],
): { readonly constants: Readonly<Record<string, number>>; readonly scope: ModuleConstants } {
  const scope = new ModuleConstants(module);
  const overrides = valuesOf(module.declarations.values(), "override");
  const ids = new Map(overrides.map((override) => [override, idOf(override, scope)]));
  const byKey = new Map(overrides.map((override) => [override.name, override]));
  for (const [override, id] of ids) if (id !== undefined) byKey.set(id, override);
  // No prototype, since a constant may be named "constructor" or "__proto__".
  const constants: Record<string, number> = Object.create(null);
  // Types have a scope of their own: a default that is evaluated before all values are set would stay.
  const types = new ModuleConstants(module);
  const set = ([nameOrId, value]: readonly [string, Given]) => {
    const override = byKey.get(nameOrId);
    if (!override) throw unknownConstant(nameOrId, overrides, ids);
    const key = ids.get(override) ?? override.name;
    if (key in constants) {
      throw new Refusal(
        "invalid-kernel",
        `sets its constant "${override.name}" twice, by name and as ${key}; give one.`,
      );
    }
    const typed = checkValue(override, value, types.scalarOf(override));
    constants[key] = Number(value);
    scope.set(override.name, typed);
    if (override.type.length > 0) types.set(override.name, typed);
  };
  // Overrides with a declared type come first, since the inferred types of the others may depend on them.
  const entries = Object.entries(given ?? {});
  const saysType = ([nameOrId]: readonly [string, Given]) => (byKey.get(nameOrId)?.type.length ?? 0) > 0;
  for (const entry of entries.filter(saysType)) set(entry);
  for (const entry of entries.filter((candidate) => !saysType(candidate))) set(entry);
  for (const override of valuesOf(used, "override")) {
    if (override.initializer.length > 0) continue;
    if (!((ids.get(override) ?? override.name) in constants)) {
      throw new Refusal(
        "invalid-kernel",
        `gives no value to its constant "${override.name}", which has no default; set it in \`constants\`.`,
      );
    }
  }
  return { constants, scope };
}

export function idOf(override: ValueDeclaration, scope: ConstantScope): string | undefined {
  const id = override.attributes.find((attribute) => attribute.name === "id");
  if (!id) return undefined;
  const value = evaluateInteger(id.arguments[0] ?? [], scope);
  if (value === undefined) {
    throw new Refusal(
      "unsupported-shader",
      `gives its constant "${override.name}" an @id that Kiln does not evaluate; write its value.`,
    );
  }
  return String(value);
}

function checkValue(
  { name }: ValueDeclaration,
  value: Given,
  scalar: ScalarType | undefined,
): ConstantValue | undefined {
  if (typeof value !== "number" && typeof value !== "boolean") {
    throw new Refusal(
      "invalid-kernel",
      `sets its constant "${name}" to a ${typeof value}; it must be a number or a boolean.`,
    );
  }
  if (scalar === undefined) {
    if (typeof value === "boolean" || Number.isFinite(value)) return undefined;
    throw new Refusal("invalid-kernel", `sets its constant "${name}" to ${value}; it must be a finite number.`);
  }
  const isBool = scalar === "bool";
  const whole = scalar === "i32" || scalar === "u32";
  const given: ConstantValue = { type: isBool ? "bool" : whole ? "int" : "float", value: Number(value) };
  const typed = isBool === (typeof value === "boolean") ? convert(given, scalar) : undefined;
  if (!typed) {
    throw new Refusal("invalid-kernel", `declares its constant "${name}" as ${scalar}; ${value} is given.`);
  }
  return typed;
}

function concrete(type: ConstantType): ScalarType {
  return type === "int" ? "i32" : type === "float" ? "f32" : type;
}

function unknownConstant(
  given: string,
  overrides: readonly ValueDeclaration[],
  ids: ReadonlyMap<ValueDeclaration, string | undefined>,
): ComputeError {
  const known = overrides.map((override) => {
    const id = ids.get(override);
    return id === undefined ? `"${override.name}"` : `"${override.name}" (${id})`;
  });
  const list = known.length === 0 ? "it has none" : `it has ${known.join(", ")}`;
  return new Refusal("invalid-kernel", `has no constant "${given}"; ${list}.`);
}
