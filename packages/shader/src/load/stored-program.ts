/**
 * Programs that an earlier process translated and reflected. The caller brings the store. Nothing that comes out of it
 * is trusted: the request holds the version of this package, and a value that does not have the shape of a program is
 * read again from its source.
 */
import type { Program } from "@kiln-gpu/core";
import type { ShaderInterface, TypeLayout } from "@kiln-gpu/core/backend";
import type { LoadedProgram } from "./loaded-program.js";
import { translator } from "./translator.js";

/** A store of programs for later processes, addressed by everything that decides their content. */
export interface StoredPrograms {
  /**
   * Resolves with what `check` returns for the value last stored under an equal request, if there is one; never rejects.
   */
  find<T>(request: object, check: (value: unknown) => T | undefined): Promise<T | undefined>;
  /** Returns without waiting for the write, and never throws. */
  save(request: object, program: object): void;
}

declare const KILN_SHADER_SOURCES: string | undefined;

/**
 * The SHA-256 of this package's sources, filled in by the build: other code may reflect the same source differently.
 */
const reflection = typeof KILN_SHADER_SOURCES === "string" ? KILN_SHADER_SOURCES : "not built";

/** Returns the stored program, or reads and stores it. Failures are not stored. */
export async function loadStored(
  { wgsl, spirv, entryPoint, constants = {} }: Program,
  stored: StoredPrograms,
  read: () => Promise<LoadedProgram>,
): Promise<LoadedProgram> {
  const request = { source: wgsl ?? spirv, entryPoint, constants, translator, reflection };
  const found = await stored.find(request, (value) => checkedProgram(value, wgsl));
  if (found) return found;
  const loaded = await read();
  // JSON writes -0 as 0, and a program with that constant is a different one.
  if (Object.values(loaded.constants).some((constant) => Object.is(constant, -0))) return loaded;
  // The caller has the text of a WGSL program already.
  stored.save(request, {
    ...(wgsl === undefined && { wgsl: loaded.wgsl }),
    interface: loaded.interface,
    constants: loaded.constants,
  });
  return loaded;
}

/**
 * Returns `value` if it has the shape of a loaded program's text, interface and constants. `wgsl`, if given, replaces
 * the stored text.
 */
export function checkedProgram(
  value: unknown,
  wgsl?: string,
): Pick<LoadedProgram, "wgsl" | "interface" | "constants"> | undefined {
  if (!isObject(value)) return undefined;
  const { interface: shader, constants } = value;
  const text = wgsl ?? value.wgsl;
  if (typeof text !== "string" || !isInterface(shader) || !isObject(constants)) return undefined;
  if (!Object.values(constants).every((constant) => typeof constant === "number")) return undefined;
  return { wgsl: text, interface: shader, constants: constants as Readonly<Record<string, number>> };
}

type Fields = { readonly [name: string]: unknown };

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isPlace = (value: unknown): value is Fields => isObject(value) && isCount(value.group) && isCount(value.binding);

function isInterface(value: unknown): value is ShaderInterface {
  if (!isObject(value)) return false;
  const { entryPoint, workgroupSize, workgroupByteLength, bindings, unused, splittable } = value;
  return (
    typeof entryPoint === "string" &&
    Array.isArray(workgroupSize) &&
    workgroupSize.length === 3 &&
    workgroupSize.every((count) => isCount(count) && count > 0) &&
    isCount(workgroupByteLength) &&
    Array.isArray(bindings) &&
    bindings.every(isBinding) &&
    Array.isArray(unused) &&
    unused.every(isBinding) &&
    (typeof splittable === "string" || isPlace(splittable))
  );
}

function isBinding(value: unknown): boolean {
  return (
    isPlace(value) &&
    typeof value.name === "string" &&
    (value.kind === "storage" || value.kind === "uniform") &&
    (value.access === "read" || value.access === "read-write") &&
    (value.isImmediate === undefined || typeof value.isImmediate === "boolean") &&
    isLayout(value.layout)
  );
}

const scalars: unknown[] = ["f32", "f16", "i32", "u32", "bool"];

/** WGSL nests types at most 15 deep, so a value that nests far deeper is not a type. */
const maxDepth = 64;

function isLayout(value: unknown, depth = 0): value is TypeLayout {
  if (depth > maxDepth || !isObject(value) || !isCount(value.byteLength)) return false;
  switch (value.kind) {
    case "scalar":
      return scalars.includes(value.scalar);
    case "vector":
      return scalars.includes(value.scalar) && isCount(value.components);
    case "matrix":
      return (
        scalars.includes(value.scalar) && isCount(value.columns) && isCount(value.rows) && isCount(value.columnStride)
      );
    case "array":
      return isCount(value.stride) && isCount(value.count) && isLayout(value.element, depth + 1);
    case "struct":
      return (
        typeof value.name === "string" &&
        (value.leastByteLength === undefined || isCount(value.leastByteLength)) &&
        Array.isArray(value.members) &&
        value.members.every(isMember)
      );
    default:
      return false;
  }

  function isMember(member: unknown): boolean {
    if (!isObject(member) || typeof member.name !== "string" || !isCount(member.offset)) return false;
    return isLayout(member.layout, depth + 1);
  }
}
