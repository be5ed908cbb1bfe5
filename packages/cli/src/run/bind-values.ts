/** Turns the values on the command line into what the kernel is bound to. */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type BindingValue, bytes, inout, output, type TypedArray, type UniformValue } from "@kiln-gpu/core";
import { type BindingInfo, type TypeLayout, typeName } from "@kiln-gpu/core/backend";
import { UsageError } from "../usage-error.js";
import { arrayOf, isSized, randomNumbers, soleElementType, toElements } from "./elements.js";
import { readImage, type Size } from "./image.js";
import { readNpy } from "./npy.js";
import { type LengthText, readValue, type ValueText, valueForms } from "./read-value.js";
import { runOptionKinds } from "./run-option-kinds.js";

export interface BoundValues {
  readonly bindings: { readonly [name: string]: BindingValue };
  /** The sizes of the images among them, by binding. */
  readonly sizes: ReadonlyMap<string, Size>;
}

/** The paths by which values are given: a binding's name, and those of the members of a struct: `params.factor`. */
export function valuePaths({ name, layout }: BindingInfo): string[] {
  return [name, ...(isSized(layout) ? memberPaths(name, layout) : [])];
}

function memberPaths(path: string, layout: TypeLayout): string[] {
  if (layout.kind !== "struct") return [];
  return layout.members.flatMap((member) => {
    const inner = `${path}.${member.name}`;
    return [inner, ...memberPaths(inner, member.layout)];
  });
}

/**
 * @param texts The values by path; each path is one of `valuePaths`.
 * @throws {UsageError} for a binding without a value, and for a value that its binding does not take.
 */
export async function bindValues(
  infos: readonly BindingInfo[],
  texts: ReadonlyMap<string, string>,
  folder: string,
): Promise<BoundValues> {
  return await new Binder(infos, texts, folder).bind();
}

class Binder {
  readonly #infos: readonly BindingInfo[];
  readonly #values: ReadonlyMap<string, ValueText>;
  readonly #folder: string;
  readonly #bindings = new Map<string, BindingValue>();
  readonly #lengths = new Map<string, number>();
  readonly #sizes = new Map<string, Size>();

  constructor(infos: readonly BindingInfo[], texts: ReadonlyMap<string, string>, folder: string) {
    this.#infos = infos;
    this.#values = new Map([...texts].map(([path, text]) => [path, readValue(`--${path}`, text)]));
    this.#folder = folder;
  }

  async bind(): Promise<BoundValues> {
    // What other values refer to comes first.
    const first = this.#infos.filter((info) => this.#pathsOf(info).every((path) => !refersOf(this.#values.get(path)!)));
    for (const info of [...first, ...this.#infos.filter((info) => !first.includes(info))]) {
      const value = await this.#bindingOf(info);
      this.#bindings.set(info.name, value);
    }
    return { bindings: Object.fromEntries(this.#bindings), sizes: this.#sizes };
  }

  /** The paths of `info` that values are given for. */
  #pathsOf(info: BindingInfo): string[] {
    return valuePaths(info).filter((path) => this.#values.has(path));
  }

  async #bindingOf(info: BindingInfo): Promise<BindingValue> {
    const { name, access, layout } = info;
    const option = `--${name}`;
    const paths = this.#pathsOf(info);
    const [path] = paths;
    if (path === undefined) throw new UsageError(`${option} is missing: ${describe(info)}. ${exampleOf(info)}`);
    if (!paths.includes(name)) return await this.#structOf(name, layout);
    if (paths.length > 1) throw new UsageError(`${option} and --${paths[1]} exclude each other; got both.`);
    const value = this.#values.get(name)!;
    if (value.kind === "output") {
      if (access === "read") throw new UsageError(`${option} must be an input, ${describe(info)}; got a result.`);
      const length = this.#lengthOf(option, value.length);
      this.#lengths.set(name, length);
      return output(arrayOf(value.type), length);
    }
    const isPlain = value.kind === "numbers" || value.kind === "json" || value.kind === "measure";
    if (isPlain && access === "read" && isSized(layout)) return this.#plainOf(option, value, layout);
    const data = await this.#arrayOf(info, value);
    if (access === "read") return data.isBytes ? bytes(data.array) : data.array;
    return data.isBytes ? inout(bytes(data.array)) : inout(data.array);
  }

  async #structOf(path: string, layout: TypeLayout): Promise<UniformValue> {
    const value = this.#values.get(path);
    if (value) return this.#plainOf(`--${path}`, value, layout);
    if (layout.kind !== "struct") throw new UsageError(`--${path} is missing: it is ${typeName(layout)}.`);
    const members: { [name: string]: UniformValue } = {};
    for (const member of layout.members) {
      members[member.name] = await this.#structOf(`${path}.${member.name}`, member.layout);
    }
    return members;
  }

  #plainOf(option: string, value: ValueText, layout: TypeLayout): UniformValue {
    switch (value.kind) {
      case "json":
        return value.value;
      case "measure":
        return this.#measure(option, value);
      case "numbers":
        return layout.kind === "scalar" && value.values.length === 1 ? value.values[0]! : value.values;
      default:
        throw new UsageError(`${option} must be a number, a list or JSON, for ${typeName(layout)}.`);
    }
  }

  async #arrayOf(info: BindingInfo, value: ValueText): Promise<{ array: TypedArray; isBytes?: boolean }> {
    const option = `--${info.name}`;
    const found = await this.#read(option, info, value);
    this.#lengths.set(info.name, found.array.length);
    return found;
  }

  async #read(
    option: string,
    { name, layout }: BindingInfo,
    value: ValueText,
  ): Promise<{ array: TypedArray; isBytes?: boolean }> {
    const type = soleElementType(layout);
    if (value.kind === "file") {
      const file = await this.#readFile(option, value.path);
      if (/\.png$/i.test(value.path)) {
        const { array, size } = readImage(option, file, layout);
        this.#sizes.set(name, size);
        return { array };
      }
      if (/\.npy$/i.test(value.path) && type) {
        const { values, halves } = readNpy(option, file);
        return { array: type === "f16" && halves ? halves : toElements(option, type, values) };
      }
      if (!type) return { array: file, isBytes: true };
      const { BYTES_PER_ELEMENT: size } = arrayOf(type);
      if (file.length % size !== 0) {
        throw new UsageError(
          `${option}: a file of ${type} has a multiple of ${size} bytes; this one has ${file.length}.`,
        );
      }
      return { array: new (arrayOf(type))(new Uint8Array(file).buffer) };
    }
    if (!type) {
      throw new UsageError(
        `${option} must be a file of bytes, because ${typeName(layout)} has members of several types.`,
      );
    }
    const of = (length: LengthText, element: (i: number) => number) => {
      return toElements(
        option,
        type,
        Array.from({ length: this.#lengthOf(option, length) }, (_, i) => element(i)),
      );
    };
    switch (value.kind) {
      case "numbers":
        return { array: toElements(option, type, value.values) };
      case "measure":
        return { array: toElements(option, type, [this.#measure(option, value)]) };
      case "ramp":
        return { array: of(value.length, (i) => value.start + i * value.step) };
      case "fill":
        return { array: of(value.length, () => value.value) };
      case "random": {
        const next = randomNumbers(value.seed);
        const isReal = type === "f32" || type === "f16";
        const [least, below] = value.range ?? (isReal ? [0, 1] : [0, 100]);
        const drawn = () => least + (below - least) * next();
        return { array: of(value.length, () => (isReal ? drawn() : Math.floor(drawn()))) };
      }
      case "json": {
        const flat = Array.isArray(value.value) ? value.value.flat(Number.POSITIVE_INFINITY) : undefined;
        if (flat?.every((item) => typeof item === "number")) return { array: toElements(option, type, flat) };
      }
    }
    throw new UsageError(`${option} must be an array for ${typeName(layout)}. Values are:\n${valueForms}`);
  }

  async #readFile(option: string, path: string): Promise<Uint8Array> {
    try {
      return await readFile(resolve(this.#folder, path));
    } catch (cause) {
      const problem = (cause as Error).message;
      throw new UsageError(`${option}: "${path}" is no value and no file (${problem}). Values are:\n${valueForms}`, {
        cause,
      });
    }
  }

  #lengthOf(option: string, length: LengthText): number {
    return typeof length === "number" ? length : this.#measure(option, { what: "length", of: length.of });
  }

  #measure(
    option: string,
    { what, of }: { readonly what: "length" | "width" | "height"; readonly of: string },
  ): number {
    const found = what === "length" ? this.#lengths.get(of) : this.#sizes.get(of)?.[what];
    if (found !== undefined) return found;
    const known = what === "length" ? [...this.#lengths.keys()] : [...this.#sizes.keys()];
    const expected = what === "length" ? "a binding with an array" : "a binding with an image";
    const list = known.length === 0 ? "there is none" : `there is ${known.join(", ")}`;
    throw new UsageError(`${option}: the ${what} must be that of ${expected}; ${list}, and "${of}" was given.`);
  }
}

/** Whether the value refers to another binding. */
function refersOf(value: ValueText): boolean {
  return value.kind === "measure" || ("length" in value && typeof value.length === "object");
}

function describe({ layout, access, kind }: BindingInfo): string {
  return `${typeName(layout)}, ${kind === "uniform" ? "uniform" : access === "read" ? "storage to read" : "storage to write"}`;
}

function exampleOf(info: BindingInfo): string {
  return `For example: ${exampleOption(info)}`;
}

/** A value that the binding takes, as a part of a command. */
export function exampleOption({ name, access, layout }: BindingInfo): string {
  const give = (value: string) =>
    Object.hasOwn(runOptionKinds, name) ? `--bind ${name}=${value}` : `--${name} ${value}`;
  const type = soleElementType(layout);
  if (access === "read-write" && type)
    return give(`${type}:${isSized(layout) ? layout.byteLength / arrayOf(type).BYTES_PER_ELEMENT : 64}`);
  if (isSized(layout)) {
    const value = JSON.stringify(exampleValue(layout));
    return give(layout.kind === "struct" ? `'${value}'` : value.replace(/^\[|\]$/g, ""));
  }
  return give(type ? "ramp:64" : `${name}.bin`);
}

/** A value of `layout`, for examples. */
export function exampleValue(layout: TypeLayout): UniformValue {
  switch (layout.kind) {
    case "scalar":
      return layout.scalar === "bool" ? true : 1;
    case "vector":
      return Array.from({ length: layout.components }, () => 1);
    case "matrix":
      return Array.from({ length: layout.columns * layout.rows }, () => 1);
    case "array":
      return Array.from({ length: layout.count }, () => exampleValue(layout.element));
    case "struct":
      return Object.fromEntries(layout.members.map(({ name, layout: type }) => [name, exampleValue(type)]));
  }
}
