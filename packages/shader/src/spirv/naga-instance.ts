/**
 * Instances of naga's WebAssembly. A module that naga did not foresee makes it panic, and a panic leaks the part of its
 * stack that was in use: after some hundreds of panics it would fail on every module. An instance that panicked or has
 * grown is therefore replaced.
 */

/** The exports of naga that are used here. */
interface Naga {
  readonly memory: WebAssembly.Memory;
  readonly __wbindgen_externrefs: WebAssembly.Table;
  __wbindgen_start(): void;
  __wbindgen_malloc(byteLength: number, alignment: number): number;
  __wbindgen_free(at: number, byteLength: number, alignment: number): void;
  __externref_table_dealloc(index: number): void;
  parseSpirv(at: number, byteLength: number): [module: number, error: number, isError: number];
  validate(module: number): [info: number, error: number, isError: number];
  writeWgsl(
    module: number,
    info: number,
    options: undefined,
  ): [at: number, byteLength: number, error: number, isError: number];
  __wbg_module_free(module: number, isUnwinding: number): void;
  __wbg_moduleinfo_free(info: number, isUnwinding: number): void;
}

/** naga's report on a module that it refuses. */
export class NagaReport extends Error {}

const maxMemoryBytes = 64 * 2 ** 20;

/** naga, compiled when the first module arrives. */
export class Translator {
  readonly #compile: () => Promise<WebAssembly.Module>;
  #compiled: Promise<WebAssembly.Module> | undefined;
  #instance: Promise<Naga> | undefined;

  constructor(compile: () => Promise<WebAssembly.Module>) {
    this.#compile = compile;
  }

  /**
   * Translates a module.
   * @throws {NagaReport} If naga refuses the module.
   * @throws {ComputeError} `translator-unavailable` if there is no naga. Anything else that is thrown is a panic.
   */
  async translate(spirv: Uint8Array): Promise<string> {
    const instance = (this.#instance ??= this.#instantiate());
    const naga = await instance;
    // While this call waited, another one may have made it panic.
    if (instance !== this.#instance) return this.translate(spirv);
    try {
      const wgsl = translate(naga, spirv);
      if (naga.memory.buffer.byteLength > maxMemoryBytes) this.#instance = undefined;
      return wgsl;
    } catch (error) {
      if (!(error instanceof NagaReport)) this.#instance = undefined;
      throw error;
    }
  }

  async #instantiate(): Promise<Naga> {
    try {
      this.#compiled ??= this.#compile();
      return await instantiate(await this.#compiled);
    } catch (error) {
      this.#compiled = undefined;
      this.#instance = undefined;
      throw error;
    }
  }
}

function translate(naga: Naga, spirv: Uint8Array): string {
  const check = (error: number, isError: number) => {
    if (isError === 0) return;
    const reason: unknown = naga.__wbindgen_externrefs.get(error);
    naga.__externref_table_dealloc(error);
    throw new NagaReport(reason instanceof Error ? reason.message : String(reason));
  };
  const source = naga.__wbindgen_malloc(spirv.byteLength, 1) >>> 0;
  new Uint8Array(naga.memory.buffer, source, spirv.byteLength).set(spirv);
  // naga frees the source itself.
  const [module, parseError, isParseError] = naga.parseSpirv(source, spirv.byteLength);
  check(parseError, isParseError);
  let info: number | undefined;
  try {
    const validated = naga.validate(module);
    check(validated[1], validated[2]);
    info = validated[0];
    const [at, byteLength, writeError, isWriteError] = naga.writeWgsl(module, info, undefined);
    check(writeError, isWriteError);
    const wgsl = new TextDecoder().decode(new Uint8Array(naga.memory.buffer, at >>> 0, byteLength));
    naga.__wbindgen_free(at, byteLength, 1);
    release(naga, module, info);
    return wgsl;
  } catch (error) {
    if (error instanceof NagaReport) release(naga, module, info);
    throw error;
  }
}

function release(naga: Naga, module: number, info: number | undefined): void {
  if (info !== undefined) naga.__wbg_moduleinfo_free(info, 0);
  naga.__wbg_module_free(module, 0);
}

async function instantiate(module: WebAssembly.Module): Promise<Naga> {
  const textAt = (at: number, byteLength: number) =>
    new TextDecoder().decode(new Uint8Array(naga.memory.buffer, at >>> 0, byteLength));
  const needed: { readonly [prefix: string]: (...given: never[]) => unknown } = {
    __wbg_Error: (at: number, byteLength: number) => new Error(textAt(at, byteLength)),
    __wbindgen_generic: textAt,
    __wbg___wbindgen_jsval_loose_eq: (a: unknown, b: unknown) => (a ?? undefined) === (b ?? undefined),
    __wbg___wbindgen_is_undefined: (value: unknown) => value === undefined,
    __wbg___wbindgen_throw: (at: number, byteLength: number) => {
      throw new Error(textAt(at, byteLength));
    },
    __wbindgen_init_externref_table: () => {
      const first = naga.__wbindgen_externrefs.grow(4);
      for (const [i, value] of [undefined, null, true, false].entries())
        naga.__wbindgen_externrefs.set(first + i, value);
      naga.__wbindgen_externrefs.set(0, undefined);
    },
  };
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    const [, found] = Object.entries(needed).find(([prefix]) => name.startsWith(prefix)) ?? [];
    // The other imports read options, and no options are given.
    const unreachable = () => {
      throw new Error(`Unreachable: naga asks for ${name}.`);
    };
    (imports[from] ??= {})[name] = (found ?? unreachable) as () => unknown;
  }
  const naga = (await WebAssembly.instantiate(module, imports)).exports as unknown as Naga;
  naga.__wbindgen_start();
  return naga;
}
