/** Programs as bytes, and their content hashes. */
import type { Constants, Kernel, Program } from "@kiln-gpu/core";
import { bytesOf } from "@kiln-gpu/core/backend";
import { decodeFrame, encodeFrame, invalidFrame, joinParts, splitParts } from "./frame.js";
import { ValueReader, ValueWriter } from "./values.js";

/** The programs of a kernel, encoded. */
export interface EncodedPrograms {
  /** The hash of each program, by the program's name. */
  readonly hashes: readonly (readonly [name: string, hash: string])[];
  /** The encoded programs, by hash. */
  readonly byHash: ReadonlyMap<string, Uint8Array>;
}

/** The hashes of a kernel's programs, for the `allowedPrograms` of a server. */
export async function programHashes(kernel: Kernel): Promise<string[]> {
  const { byHash } = await encodePrograms(untuned(kernel));
  return [...byHash.keys()];
}

/** The kernel that runs elsewhere: tunable constants have their first values. */
export function untuned(kernel: Kernel): Kernel {
  return kernel.tunable ? kernel.specialize({}) : kernel;
}

/** Encodes kernels' programs, once for each kernel. */
export class ProgramEncoder {
  readonly #known = new WeakMap<Kernel, EncodedPrograms | Promise<EncodedPrograms>>();

  encode(kernel: Kernel): EncodedPrograms | Promise<EncodedPrograms> {
    let programs = this.#known.get(kernel);
    if (!programs) {
      programs = encodePrograms(kernel).then((encoded) => {
        this.#known.set(kernel, encoded);
        return encoded;
      });
      this.#known.set(kernel, programs);
    }
    return programs;
  }
}

async function encodePrograms({ programs }: Kernel): Promise<EncodedPrograms> {
  const byHash = new Map<string, Uint8Array>();
  const hashes: [name: string, hash: string][] = [];
  for (const [name, program] of Object.entries(programs)) {
    const encoded = encodeProgram(program);
    const hash = await hashProgram(encoded);
    byHash.set(hash, encoded);
    hashes.push([name, hash]);
  }
  return { hashes, byHash };
}

/** Equal programs have equal bytes: constants are sorted by name. */
function encodeProgram({ wgsl, spirv, entryPoint, constants, file }: Program): Uint8Array {
  const writer = new ValueWriter();
  const sorted = constants && Object.fromEntries(Object.entries(constants).sort(([a], [b]) => (a < b ? -1 : 1)));
  const header = {
    language: wgsl === undefined ? "spirv" : "wgsl",
    entryPoint: writer.write(entryPoint),
    constants: writer.write(sorted),
    file: writer.write(file),
  };
  return joinParts(
    encodeFrame({ header, arrays: [wgsl === undefined ? bytesOf(spirv!) : new TextEncoder().encode(wgsl)] }),
  );
}

/**
 * The program that a client encoded.
 * @throws {ComputeError} `invalid-frame`.
 */
export function decodeProgram(encoded: Uint8Array): Program {
  const { header, arrays } = decodeFrame(splitParts(encoded));
  const { language, entryPoint, constants, file } = (header ?? {}) as { readonly [name: string]: unknown };
  const [source] = arrays;
  if (!source || (language !== "wgsl" && language !== "spirv")) throw invalidFrame("holds no program");
  const reader = new ValueReader([]);
  const options = {
    entryPoint: reader.read(entryPoint) as string | undefined,
    constants: reader.read(constants) as Constants | undefined,
    file: reader.read(file) as string | undefined,
  };
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  return Object.freeze(
    language === "wgsl"
      ? { wgsl: new TextDecoder().decode(source), ...given }
      : // The bytes of the frame belong to the transport.
        { spirv: new Uint8Array(source), ...given },
  );
}

/** The SHA-256 of an encoded program, in hexadecimal digits. */
export async function hashProgram(encoded: Uint8Array): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", encoded as Uint8Array<ArrayBuffer>);
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
