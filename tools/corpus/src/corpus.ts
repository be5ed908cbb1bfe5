import { readdir, readFile } from "node:fs/promises";
import { arithmeticKernels } from "./arithmetic-kernels.js";
import type { CorpusKernel } from "./corpus-kernel.js";
import { memoryKernels } from "./memory-kernels.js";
import { workgroupKernels } from "./workgroup-kernels.js";

const folder = new URL("../modules/", import.meta.url);

/** What the modules of each source do. */
export const kernels: { readonly [source: string]: CorpusKernel } = {
  ...memoryKernels,
  ...workgroupKernels,
  ...arithmeticKernels,
};

export interface CorpusModule {
  /** The source's name, without the language that it is written in. */
  readonly source: string;
  readonly compiler: string;
  readonly spirv: Uint8Array;
}

/** All modules of the corpus. */
export async function readCorpus(): Promise<CorpusModule[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".spv")).sort();
  return Promise.all(
    files.map(async (file) => {
      const [source, compiler] = file.split(".");
      return { source: source!, compiler: compiler!, spirv: new Uint8Array(await readFile(new URL(file, folder))) };
    }),
  );
}
