/** Sizes, alignments and offsets by the rules of WGSL, section "Memory Layout". */
import type { ComputeError } from "@kiln-gpu/core";
import type { ScalarType, TypeLayout } from "@kiln-gpu/core/backend";
import { type ConstantScope, evaluateInteger } from "./constant-expression.js";
import type { Field, StructDeclaration, ValueDeclaration, WgslModule } from "./scan-module.js";
import { errorAt, syntaxError, type Token } from "./scan-tokens.js";
import { templateArguments } from "./template-arguments.js";

interface Placed {
  readonly layout: TypeLayout;
  readonly align: number;
  /** The alignment without the `@align` of members inside it. */
  readonly ownAlign: number;
  /** The number of scalars, vectors and matrices in it; an array counts as one element. */
  readonly parts: number;
  /** Whether it ends with an array whose length depends on the buffer. */
  readonly isOpen?: boolean;
}

const byteLengths: { readonly [scalar: string]: number } = { f32: 4, i32: 4, u32: 4, f16: 2 };
const shortScalars: { readonly [suffix: string]: ScalarType } = { f: "f32", h: "f16", i: "i32", u: "u32" };
const maxDepth = 64;
/** A few lines of nested structs can declare more parts than memory can hold, and filling a binding visits each. */
const maxParts = 65_536;
/** WGSL's compilers accept no larger type. */
const maxByteLength = 2 ** 32 - 1;

/** The layouts of a module's bindings, and of its workgroup variables, which may also be made of `bool`. */
export class TypeLayouts {
  readonly #module: WgslModule;
  readonly #scope: ConstantScope;
  readonly #byteLengths: typeof byteLengths;
  /** By the name of a struct or an alias; `undefined` while it is being placed. */
  readonly #declared = new Map<string, Placed | undefined>();
  /** Members whose alignment comes from an `@align` inside their type, with that alignment. */
  readonly innerAlignments = new Map<Field, number>();

  constructor(module: WgslModule, scope: ConstantScope, { withBool = false } = {}) {
    this.#module = module;
    this.#scope = scope;
    this.#byteLengths = withBool ? { ...byteLengths, bool: 4 } : byteLengths;
  }

  /**
   * The layout of a binding.
   * @throws {ComputeError} `unsupported-shader` for a type that host and device do not share or that Kiln does not
   *   evaluate; `shader-compilation` if it is not a type.
   */
  of({ name, type, tokens }: ValueDeclaration): TypeLayout {
    if (type.length === 0) throw this.#invalid(tokens.at(-1)!, `"${name}" has no type`);
    return this.#place(type, name, 0).layout;
  }

  /** @param binding The binding that errors name. */
  #place(type: readonly Token[], binding: string, depth: number): Placed {
    const [head] = type;
    if (head?.kind !== "name") throw this.#invalid(head!, `"${head!.text}" stands where a type is expected`);
    if (depth > maxDepth) throw this.#unsupported(head, binding, `nests types deeper than ${maxDepth}`);
    const placed = this.#placeNamed(head, type, binding, depth);
    if (placed.parts > maxParts) throw this.#unsupported(head, binding, `has more than ${maxParts} parts`);
    if (placed.layout.byteLength > maxByteLength) {
      const { byteLength } = placed.layout;
      throw this.#invalid(head, `a type has at most ${maxByteLength} bytes; this one has ${byteLength}`);
    }
    return placed;
  }

  #placeNamed(head: Token, type: readonly Token[], binding: string, depth: number): Placed {
    const declared = this.#module.declarations.get(head.text);
    if (declared?.kind === "struct" || declared?.kind === "alias") {
      if (type[1]) throw this.#invalid(type[1], `"${type[1].text}" stands where a type has ended`);
      const known = this.#declared.get(head.text);
      if (known) return known;
      if (this.#declared.has(head.text)) throw this.#invalid(head, `"${head.text}" is declared as a part of itself`);
      this.#declared.set(head.text, undefined);
      const placed =
        declared.kind === "struct"
          ? this.#placeStruct(declared, binding, depth)
          : this.#place(this.#nonEmpty(declared.type, head), binding, depth + 1);
      this.#declared.set(head.text, placed);
      return placed;
    }
    const template = templateArguments(type, (token, problem) => this.#invalid(token, problem));
    if (head.text === "array") return this.#placeArray(head, template, binding, depth);
    const [element] = template;
    if (head.text === "atomic" && element) return this.#place(element, binding, depth + 1);
    const numeric = this.#numeric(head.text, element && this.#place(element, binding, depth + 1).layout);
    if (declared || template.length > 1 || !numeric) {
      throw this.#unsupported(head, binding, `has a part of type ${head.text}, which host and device cannot share`);
    }
    return numeric;
  }

  #placeArray(head: Token, template: readonly (readonly Token[])[], binding: string, depth: number): Placed {
    const [element, count] = template;
    if (!element || template.length > 2) throw this.#invalid(head, "an array needs a type and at most a count");
    const { layout, align, ownAlign, parts, isOpen } = this.#place(element, binding, depth + 1);
    if (isOpen) throw this.#invalid(element[0]!, "the elements of an array have a size");
    const stride = roundUp(layout.byteLength, align);
    const length = count ? this.#number(count, "an array has at least one element") : 0;
    return {
      layout: { kind: "array", element: layout, stride, count: length, byteLength: stride * length },
      align,
      ownAlign,
      parts,
      isOpen: !count,
    };
  }

  #placeStruct({ name, members: fields, tokens }: StructDeclaration, binding: string, depth: number): Placed {
    if (fields.length === 0) throw this.#invalid(tokens.at(-1)!, `"${name}" has no members`);
    let align = 1;
    let ownAlign = 1;
    let end = 0;
    let parts = 0;
    let isOpen = false;
    const members = fields.map((field, i) => {
      const placed = this.#place(this.#nonEmpty(field.type, field.name), binding, depth + 1);
      const mayBeOpen = placed.layout.kind === "array" && i === fields.length - 1;
      if (placed.isOpen && !mayBeOpen) {
        throw this.#invalid(field.name, "only the last member of a binding's struct is an array without a count");
      }
      const given = this.#attribute(field, "align");
      const memberAlign = Math.max(placed.align, given ?? 1);
      if (given === undefined && placed.align > placed.ownAlign) this.innerAlignments.set(field, placed.align);
      const offset = roundUp(end, memberAlign);
      end = offset + Math.max(placed.layout.byteLength, this.#attribute(field, "size") ?? 0);
      align = Math.max(align, memberAlign);
      ownAlign = Math.max(ownAlign, placed.ownAlign);
      parts += placed.parts;
      isOpen = placed.isOpen ?? false;
      return { name: field.name.text, offset, layout: placed.layout };
    });
    const byteLength = isOpen ? end : roundUp(end, align);
    const last = members.at(-1)!.layout;
    const withOne = isOpen && last.kind === "array" ? end + last.stride : end;
    const padded = isOpen && roundUp(withOne, align) > withOne ? { leastByteLength: roundUp(withOne, align) } : {};
    return { layout: { kind: "struct", name, members, byteLength, ...padded }, align, ownAlign, parts, isOpen };
  }

  /** A scalar, a vector or a matrix. */
  #numeric(name: string, element: TypeLayout | undefined): Placed | undefined {
    const own = this.#byteLengths[name];
    if (own !== undefined && !element) {
      return {
        layout: { kind: "scalar", scalar: name as ScalarType, byteLength: own },
        align: own,
        ownAlign: own,
        parts: 1,
      };
    }
    const [, components, columns, rows, suffix] = /^(?:vec([234])|mat([234])x([234]))([fhiu]?)$/u.exec(name) ?? [];
    const given = element?.kind === "scalar" ? element.scalar : undefined;
    const scalar = suffix && !element ? shortScalars[suffix] : suffix ? undefined : given;
    if (!scalar || !(components ?? columns)) return undefined;
    const scalarByteLength = this.#byteLengths[scalar]!;
    const length = Number(components ?? rows);
    const align = scalarByteLength * (length === 2 ? 2 : 4);
    const byteLength = scalarByteLength * length;
    const shared = { align, ownAlign: align, parts: 1 };
    if (components) return { layout: { kind: "vector", scalar, components: length, byteLength }, ...shared };
    const matrix = { scalar, columns: Number(columns), rows: length, columnStride: align };
    return { layout: { kind: "matrix", ...matrix, byteLength: align * matrix.columns }, ...shared };
  }

  #attribute(field: Field, wanted: "align" | "size"): number | undefined {
    const attribute = field.attributes.find(({ name }) => name === wanted);
    if (!attribute) return undefined;
    return this.#number(attribute.arguments[0] ?? [], `@${wanted} of "${field.name.text}" is at least 1`);
  }

  /** An integer, 1 or more. */
  #number(tokens: readonly Token[], rule: string): number {
    const place = { start: tokens[0]?.start ?? 0, end: tokens.at(-1)?.end ?? 0 };
    const shown = this.#module.source.slice(place.start, place.end);
    const value = evaluateInteger(tokens, this.#scope);
    if (value === undefined) {
      throw errorAt(
        "unsupported-shader",
        this.#module.source,
        place,
        `has \`${shown}\` where a count is needed, which Kiln does not evaluate; write its value.`,
      );
    }
    if (value < 1) throw this.#invalid(tokens[0]!, `${rule}; \`${shown}\` is ${value}`);
    return value;
  }

  #nonEmpty(type: readonly Token[], name: Token): readonly Token[] {
    if (type.length === 0) throw this.#invalid(name, `"${name.text}" has no type`);
    return type;
  }

  #unsupported(token: Token, binding: string, problem: string): ComputeError {
    const message = `binds "${binding}", which ${problem}.`;
    return errorAt("unsupported-shader", this.#module.source, token, message);
  }

  #invalid(token: Token, problem: string): ComputeError {
    return syntaxError(this.#module.source, token, problem);
  }
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}
