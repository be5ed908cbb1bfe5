import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress } from "node:zlib";
import { extract } from "tar-stream";

export interface Chromium {
  readonly executable: string;
  /** Shared libraries that a machine without a desktop may lack; for `LD_LIBRARY_PATH`. */
  readonly libraries: string;
}

/** Whether npm has a Chromium for this machine. */
export function hasChromium(): boolean {
  return process.platform === "linux" && process.arch === "x64";
}

/**
 * The Chromium of @sparticuz/chromium with its SwiftShader, unpacked below `cache` if it is not yet there. Whoever
 * finds the folder finds it whole.
 */
export async function unpackChromium(cache: string): Promise<Chromium> {
  const { resolve } = createRequire(import.meta.url);
  // Its package.json is no export; its entry point is, one folder below.
  const archives = path.resolve(path.dirname(resolve("@sparticuz/chromium")), "..", "bin");
  const folder = path.join(cache, "chromium-153.0.0");
  const chromium = { executable: path.join(folder, "chromium"), libraries: path.join(folder, "lib") };
  if (await stat(chromium.executable).catch(() => undefined)) return chromium;

  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(`${folder}-`);
  try {
    await pipeline(
      createReadStream(path.join(archives, "chromium.br")),
      createBrotliDecompress(),
      createWriteStream(path.join(unfinished, "chromium"), { mode: 0o755 }),
    );
    await unpackTar(path.join(archives, "swiftshader.tar.br"), unfinished);
    await unpackTar(path.join(archives, "al2023.tar.br"), unfinished);
    await rename(unfinished, folder).catch(async (error: unknown) => {
      // Somebody else has finished first.
      if (!(await stat(chromium.executable).catch(() => undefined))) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return chromium;
}

async function unpackTar(archive: string, folder: string): Promise<void> {
  const entries = createReadStream(archive).pipe(createBrotliDecompress()).pipe(extract());
  for await (const entry of entries) {
    const target = path.join(folder, entry.header.name);
    if (entry.header.type === "directory") {
      entry.resume();
      continue;
    }
    await mkdir(path.dirname(target), { recursive: true });
    await pipeline(entry, createWriteStream(target, { mode: 0o755 }));
  }
}
