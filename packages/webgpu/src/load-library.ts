// <dlfcn.h> on Linux, the only system where this runs. `node:os` has these too, but a page's bundler would stumble over
// the import.
const rtldNow = 0x2;
const rtldNoDelete = 0x1000;

/**
 * Loads a shared library that is not a Node addon; it stays in the process until that exits.
 * @returns Nothing if the library loads, otherwise what the dynamic linker says.
 */
export function loadLibrary(path: string): string | undefined {
  if (globalThis.process.versions.bun !== undefined) return loadInBun(path);
  if (globalThis.process.versions.deno !== undefined) return loadInDeno(path);
  try {
    globalThis.process.dlopen({ exports: {} }, path, rtldNow | rtldNoDelete);
    return undefined;
  } catch (error) {
    // Node always throws: it loads the library, finds no addon in it and closes it again. The flag keeps it loaded.
    const text = String(error);
    return text.includes("self-register") ? undefined : text;
  }
}

/** The part of `bun:ffi` that is used here. */
interface BunFfi {
  dlopen(
    library: string,
    symbols: Record<string, { readonly args: readonly string[]; readonly returns: string }>,
  ): { readonly symbols: Record<string, (...args: unknown[]) => unknown> };
}

/** Bun's and Deno's `process.dlopen` pass no flags on, so these call the C library. */
function loadInBun(path: string): string | undefined {
  const { dlopen } = (globalThis.process.getBuiltinModule as (name: string) => unknown)("bun:ffi") as BunFfi;
  const { symbols } = dlopen("libc.so.6", {
    dlopen: { args: ["cstring", "i32"], returns: "ptr" },
    dlerror: { args: [], returns: "cstring" },
  });
  const library = symbols.dlopen!(new TextEncoder().encode(`${path}\0`), rtldNow | rtldNoDelete);
  return library === null ? String(symbols.dlerror!()) : undefined;
}

/** The part of Deno's foreign function interface that is used here. */
interface DenoFfi {
  dlopen(
    library: string,
    symbols: Record<string, { readonly parameters: readonly string[]; readonly result: string }>,
  ): { readonly symbols: Record<string, (...args: unknown[]) => object | null> };
  readonly UnsafePointerView: { getCString(pointer: object): string };
}

function loadInDeno(path: string): string | undefined {
  const { dlopen, UnsafePointerView } = (globalThis as unknown as { readonly Deno: DenoFfi }).Deno;
  const { symbols } = dlopen("libc.so.6", {
    dlopen: { parameters: ["buffer", "i32"], result: "pointer" },
    dlerror: { parameters: [], result: "pointer" },
  });
  const library = symbols.dlopen!(new TextEncoder().encode(`${path}\0`), rtldNow | rtldNoDelete);
  return library === null ? UnsafePointerView.getCString(symbols.dlerror!()!) : undefined;
}
