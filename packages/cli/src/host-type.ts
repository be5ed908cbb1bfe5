/** Writes the TypeScript type of a binding's value: the same type that `core` infers from a WGSL literal. */
import type { BindingInfo, ScalarType, TypeLayout } from "@kiln-gpu/core/backend";

const arraysOf: { readonly [scalar in ScalarType]: readonly string[] } = {
  f32: ["Float32Array"],
  i32: ["Int32Array"],
  u32: ["Uint32Array"],
  f16: ["kiln.Float16Elements", "Uint16Array"],
  bool: ["Uint32Array"],
};

const identifier = /^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u;

/** A type with a member for each binding, for a module that imports `core` as `kiln`. */
export function bindingsType(bindings: readonly BindingInfo[]): string {
  const members = bindings.map((binding) => `  readonly ${memberName(binding.name)}: ${bindingType(binding)};\n`);
  return members.length === 0 ? "Record<never, never>" : `{\n${members.join("")}}`;
}

function bindingType({ layout, access }: BindingInfo): string {
  const scalars = scalarsOf(layout);
  const [sole] = scalars;
  const elements = scalars.size === 1 ? arraysOf[sole!] : [...new Set(Object.values(arraysOf).flat())];
  const arrays = [...elements, "kiln.Bytes"].join(" | ");
  const values = isSized(layout) ? valuesOf(layout) : [];
  return [...values, access === "read-write" ? `kiln.ReadWrite<${arrays}>` : arrays].join(" | ");
}

function scalarsOf(layout: TypeLayout): Set<ScalarType> {
  if (layout.kind === "array") return scalarsOf(layout.element);
  if (layout.kind !== "struct") return new Set([layout.scalar]);
  return new Set(layout.members.flatMap((member) => [...scalarsOf(member.layout)]));
}

/** Whether the layout has a fixed size; otherwise it ends with a runtime-sized array. */
function isSized(layout: TypeLayout): boolean {
  if (layout.kind === "array") return layout.count > 0;
  return layout.kind !== "struct" || layout.members.every((member) => isSized(member.layout));
}

/** The types of values that Kiln packs into the layout. */
function valuesOf(layout: TypeLayout): string[] {
  switch (layout.kind) {
    case "scalar":
      return [layout.scalar === "bool" ? "boolean" : "number"];
    case "vector":
      return ["readonly number[]"];
    case "matrix":
      return ["readonly number[]", "readonly (readonly number[])[]"];
    case "array": {
      const elements = valuesOf(layout.element);
      const element = elements.join(" | ");
      const isSimple = elements.length === 1 && !element.startsWith("readonly ");
      return [`readonly ${isSimple ? element : `(${element})`}[]`];
    }
    case "struct": {
      const members = layout.members.map(({ name, layout: type }) => {
        return `readonly ${memberName(name)}: ${valuesOf(type).join(" | ")}`;
      });
      const [sole] = layout.members;
      // A struct with a single member also accepts the value of that member.
      const values = layout.members.length === 1 ? valuesOf(sole!.layout) : [];
      return [...values, `{ ${members.join("; ")} }`];
    }
  }
}

function memberName(name: string): string {
  return identifier.test(name) ? name : JSON.stringify(name);
}
