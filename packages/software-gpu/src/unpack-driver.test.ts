import { createHash } from "node:crypto";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runScript } from "./run-script.test-support.js";
import { softwareGpu } from "./software-gpu.js";
import { unpackDriver } from "./unpack-driver.js";

const settings = "config/vulkan/loader_settings.d/vk_loader_settings.json";
const names = ["libvulkan-swiftshader.so", "libvulkan.so.1", "swiftshader.json", settings];

let base: string;
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "unpack-driver-test-"));
});
afterEach(() => rm(base, { recursive: true, force: true }));

const mode = async (path: string) => (await stat(path)).mode & 0o777;
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => relative(folder, join(entry.parentPath, entry.name))).sort();
}
const hashes = (folder: string) =>
  Promise.all(
    names.map(async (name) =>
      createHash("sha256")
        .update(await readFile(join(folder, name)))
        .digest("hex"),
    ),
  );

/** Marks each file with a time that no write of it would leave. */
async function markFiles(folder: string): Promise<void> {
  for (const name of names) await utimes(join(folder, name), 1000, 1000);
}

async function markedFiles(folder: string): Promise<string[]> {
  const times = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).mtimeMs));
  return names.filter((_, i) => times[i] === 1_000_000);
}

test("unpacks a driver, a loader, the manifest that names the driver and settings that name nothing", async () => {
  const root = join(base, "deep", "cache");
  const { library, manifest, configHome, loader } = await unpackDriver([root]);
  const folder = dirname(manifest);
  expect(dirname(folder)).toBe(root);
  expect([library, loader]).toEqual(names.slice(0, 2).map((name) => join(folder, name)));
  expect(await filesIn(folder)).toEqual([...names].sort());
  const { ICD } = JSON.parse(await readFile(manifest, "utf8"));
  expect(join(folder, ICD.library_path)).toBe(library);
  expect(join(configHome, "vulkan/loader_settings.d/vk_loader_settings.json")).toBe(join(folder, settings));
  expect(JSON.parse(await readFile(join(folder, settings), "utf8")).settings).toEqual({});
  const elf = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);
  for (const library of names.slice(0, 2)) {
    expect((await readFile(join(folder, library))).subarray(0, 4)).toEqual(elf);
  }
  expect(await readdir(root)).toHaveLength(1);
});

test("the folders belong to this user alone, whatever the umask", async () => {
  const before = process.umask(0);
  try {
    const root = join(base, "cache");
    const { manifest } = await unpackDriver([root]);
    expect((await mode(root)).toString(8)).toBe("700");
    expect((await mode(dirname(manifest))).toString(8)).toBe("700");
    for (const name of names) expect((await mode(join(dirname(manifest), name))) & 0o077).toBe(0);
  } finally {
    process.umask(before);
  }
});

test("a folder that others can write is closed to them", async () => {
  const root = join(base, "cache");
  await mkdir(root);
  await chmod(root, 0o777);
  await unpackDriver([root]);
  expect((await mode(root)).toString(8)).toBe("700");
});

test("a second call finds the files and writes none", async () => {
  const first = await unpackDriver([base]);
  const folder = dirname(first.manifest);
  await markFiles(folder);
  expect(await unpackDriver([base])).toEqual(first);
  expect(await markedFiles(folder)).toEqual(names);
});

describe("a folder that is not as it was unpacked", () => {
  let folder: string;
  let intact: string[];
  beforeEach(async () => {
    folder = dirname((await unpackDriver([base])).manifest);
    intact = await hashes(folder);
  });

  test.each(names)("has a changed %s replaced", async (name) => {
    const bytes = await readFile(join(folder, name));
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(join(folder, name), bytes);
    await unpackDriver([base]);
    expect(await hashes(folder)).toEqual(intact);
    expect(await readdir(base)).toHaveLength(1);
  });

  test("has a missing file put back", async () => {
    await rm(join(folder, names[0]!));
    await unpackDriver([base]);
    expect(await hashes(folder)).toEqual(intact);
  });

  test("has a truncated file replaced", async () => {
    await writeFile(join(folder, names[1]!), "");
    await unpackDriver([base]);
    expect(await hashes(folder)).toEqual(intact);
  });
});

describe("a root that cannot be used", () => {
  test("falls to the next", async () => {
    await writeFile(join(base, "file"), "");
    const driver = await unpackDriver([join(base, "file", "cache"), join(base, "second")]);
    expect(dirname(dirname(driver.manifest))).toBe(join(base, "second"));
  });

  test("is refused where it is a link, and nothing is written through it", async () => {
    const elsewhere = join(base, "elsewhere");
    await mkdir(elsewhere);
    await symlink(elsewhere, join(base, "link"));
    const driver = await unpackDriver([join(base, "link"), join(base, "second")]);
    expect(dirname(dirname(driver.manifest))).toBe(join(base, "second"));
    expect(await readdir(elsewhere)).toEqual([]);
  });

  test("is refused where the folder in it is a link", async () => {
    const first = await unpackDriver([join(base, "elsewhere")]);
    const folder = dirname(first.manifest);
    await mkdir(join(base, "cache"), { mode: 0o700 });
    await symlink(folder, folder.replace("elsewhere", "cache"));
    const driver = await unpackDriver([join(base, "cache"), join(base, "second")]);
    expect(dirname(dirname(driver.manifest))).toBe(join(base, "second"));
  });

  test("is given up where no folder can be made and none is said to be there", async () => {
    await expect(unpackDriver(["/proc/kiln/cache"])).rejects.toMatchObject({
      code: "no-adapter",
      cause: { errors: [{ code: "ENOENT", path: "/proc/kiln" }] },
    });
  });

  test("is an error that names each, with its reason, where there is no other", async () => {
    await writeFile(join(base, "file"), "");
    await symlink(base, join(base, "link"));
    const roots = [join(base, "file", "cache"), join(base, "link")];
    await expect(unpackDriver(roots)).rejects.toMatchObject({
      code: "no-adapter",
      message: `The software GPU cannot be unpacked into ${roots[0]} or ${roots[1]}.`,
      cause: {
        errors: [{ code: expect.stringMatching(/^E/) }, { message: `${roots[1]} is not a folder of this user's own.` }],
      },
    });
  });
});

test("all who unpack at once find the files whole when they are told that they are there", async () => {
  const wholes = await Promise.all(
    Array.from({ length: 6 }, async () => {
      const { manifest } = await unpackDriver([base]);
      const seen: string[][] = [];
      for (let i = 0; i < 5; i += 1) seen.push(await hashes(dirname(manifest)));
      return seen;
    }),
  );
  expect(new Set(wholes.flat().map((seen) => seen.join()))).toHaveProperty("size", 1);
  expect(await readdir(base)).toHaveLength(1);
});

test("two processes at once both succeed", async () => {
  const ends = await Promise.all(
    [1, 2].map(() => runScript("report(await softwareGpu.locate())", { XDG_CACHE_HOME: base })),
  );
  for (const { status, stderr } of ends) expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const [first, second] = ends.map(({ reported }) => reported as { manifest: string });
  expect(first).toEqual(second);
  expect(first!.manifest.startsWith(join(base, "kiln-gpu"))).toBe(true);
  expect(await filesIn(dirname(first!.manifest))).toEqual([...names].sort());
  expect(await readdir(join(base, "kiln-gpu"))).toHaveLength(1);
});

test("by default the files lie in the user's cache folder", async () => {
  const before = process.env.XDG_CACHE_HOME;
  process.env.XDG_CACHE_HOME = base;
  try {
    const { manifest } = await softwareGpu.locate();
    expect(dirname(dirname(manifest))).toBe(join(base, "kiln-gpu"));
  } finally {
    if (before === undefined) delete process.env.XDG_CACHE_HOME;
    else process.env.XDG_CACHE_HOME = before;
  }
});
