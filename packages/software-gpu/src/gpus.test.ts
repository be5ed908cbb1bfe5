/**
 * Tests of `gpus` of @kiln-gpu/webgpu and of the option `gpu`, which lie here because the GPUs are copies of this
 * package's driver, and the Vulkan loader is this package's.
 */
import { readdirSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runNode, uuidOfSoftwareGpu, writeSoftwareGpus } from "@kiln-gpu/processes";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runScript } from "./run-script.test-support.js";
import { softwareGpu } from "./software-gpu.js";

const hasGpuDevice = readdirSync("/dev").some((name) => /^(dri|dxg|nvidia)/.test(name));
const [a, b] = [uuidOfSoftwareGpu("a"), uuidOfSoftwareGpu("b")];
const names = { a: "Pretended-A Device", b: "Pretended-B Device" };

let folder: string;
/** Two GPUs of different names, two of one name, and one alone. */
let different: Record<string, string>;
let alike: Record<string, string>;
let single: Record<string, string>;
/** Where the dynamic linker finds a loader that can choose among GPUs, or one that cannot. */
let recent: Record<string, string>;
let older: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "gpus-test-"));
  const { library, loader } = await softwareGpu.locate();
  const write = (name: string, gpus: { letter: string; name?: string }[]) =>
    writeSoftwareGpus(library, join(folder, name), gpus);
  different = await write("different", [
    { letter: "a", name: names.a },
    { letter: "b", name: names.b },
  ]);
  alike = await write("alike", [{ letter: "a" }, { letter: "b" }]);
  single = await write("single", [{ letter: "a" }]);
  recent = { LD_LIBRARY_PATH: dirname(loader) };
  older = { LD_LIBRARY_PATH: await writeOlderLoader(loader, join(folder, "older")) };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Writes a loader that says that it is 1.3.239, and knows no configurations of devices. */
async function writeOlderLoader(loader: string, into: string): Promise<string> {
  await mkdir(into);
  const bytes = await readFile(loader);
  const replace = (from: Buffer, to: Buffer) => {
    const at = bytes.indexOf(from);
    if (at < 0) throw new Error(`The loader holds no ${from.toString("hex")}.`);
    for (let next = at; next >= 0; next = bytes.indexOf(from, next + 1)) to.copy(bytes, next);
  };
  replace(Buffer.from("device_configurations\0"), Buffer.from("device_configuratiXXX\0"));
  const version = (minor: number, patch: number) => {
    const word = Buffer.alloc(4);
    word.writeUInt32LE((1 << 22) | (minor << 12) | patch);
    return word;
  };
  replace(version(4, 360), version(3, 239));
  const copy = join(into, "libvulkan.so.1");
  await writeFile(copy, bytes);
  await chmod(copy, 0o700);
  return into;
}

const prelude = `
  import { gpus } from "@kiln-gpu/webgpu";
  const kept = [];
  /** Opens a device and says which, or why not; the device stays open. */
  const opened = async (options) => {
    try {
      const open = await openDevice(options);
      kept.push(open);
      return open.info.name.split(",")[0];
    } catch (error) {
      return error.code + ": " + error.message;
    }
  };
  const listed = (options) => gpus(options).catch((error) => error.code + ": " + error.message);
  const close = () => Promise.all(kept.map((open) => open.close()));
`;
const run = (code: string, ...env: Record<string, string | undefined>[]) =>
  runScript(`${prelude}${code}\nawait close();`, Object.assign({}, ...env));

const [openedA, openedB] = ["pretended-a-device-subzero-", "pretended-b-device-subzero-"];
const swiftShader = "swiftshader-device-subzero-";
const silent = { status: 0, stdout: "", stderr: "" };

describe("gpus()", () => {
  test("lists GPUs of one name apart, by Vulkan", async () => {
    const { reported, ...end } = await run("report(await gpus());", alike, recent);
    expect(end).toEqual(silent);
    const common = { name: "SwiftShader Device (Subzero)", driver: "SwiftShader driver", kind: "software" };
    expect(reported).toHaveLength(2);
    expect(reported).toEqual(
      expect.arrayContaining([
        { ...common, uuid: a, index: expect.any(Number) },
        { ...common, uuid: b, index: expect.any(Number) },
      ]),
    );
    expect((reported as { index: number }[]).map(({ index }) => index)).toEqual([0, 1]);
  });

  test("lists none where there is no driver", async () => {
    const none = { VK_DRIVER_FILES: "/nonexistent/driver.json", VK_ICD_FILENAMES: "/nonexistent/driver.json" };
    const { reported, status } = await run("report(await gpus());", none, recent);
    expect({ reported, status }).toEqual({ reported: [], status: 0 });
  });

  test.skipIf(hasGpuDevice)("lists the software GPU where there is no other, and that one opens", async () => {
    const nothing = { VK_DRIVER_FILES: undefined, VK_ICD_FILENAMES: undefined };
    const code = `
      const options = { fallback: softwareGpu };
      const [{ uuid, name, kind }] = await gpus(options);
      report([name, kind, await opened({ ...options, gpu: 0 }), await opened({ ...options, gpu: uuid }),
        await opened({ ...options, gpu: 1 })]);`;
    const other =
      'no-adapter: No GPU has the index 1; found: 0 is "SwiftShader Device (Subzero)", UUID ' +
      "53776966-7453-6861-6465-725555494400.";
    const expected = ["SwiftShader Device (Subzero)", "software", swiftShader, swiftShader, other];
    expect(await run(code, nothing)).toEqual({ ...silent, reported: expected });
    expect(await run(code, nothing, recent)).toEqual({ ...silent, reported: expected });
  });

  test("refuses to list where a software GPU stands in the place of the loader", async () => {
    const { reported } = await run("await opened({ fallback: softwareGpu, software: true }); report(await listed());", {
      ...alike,
      ...recent,
    });
    expect(reported).toMatch(/^no-adapter: This process cannot find a GPU any more: it has opened a software GPU/);
  });

  test("refuses an option that it does not have", async () => {
    const { reported } = await run("report(await listed({ software: true }));", alike, recent);
    expect(reported).toMatch(/^invalid-option: gpus .*"software"/);
  });
});

describe("the option `gpu`", () => {
  const both = `const found = await gpus(options);
    const at = Object.fromEntries(found.map(({ name, index }) => [name.slice(10, 11), index]));`;

  test("opens each of two GPUs in one process, by UUID and by index, again and again", async () => {
    const code = (options: string) => `const options = ${options}; ${both}
      const open = (gpu) => opened({ ...options, gpu });
      report([
        await open("${a}"), await open("GPU-${b}"), await open(at.A), await open(at.B), await open("${b}"),
        ...(await Promise.all([open("${a}"), open("${b}")])),
      ]);`;
    const reported = [openedA, openedB, openedA, openedB, openedB, openedA, openedB];
    expect(await run(code("{}"), different, recent)).toEqual({ ...silent, reported });
    // The software GPU brings the loader.
    expect(await run(code("{ fallback: softwareGpu }"), different)).toEqual({ ...silent, reported });
  });

  test("finds drivers that the environment names by their folder, or beside the others", async () => {
    const inFolder = dirname(different.VK_DRIVER_FILES!.split(":")[0]!);
    const code = `report([await opened({ gpu: "${a}" }), await opened({ gpu: "${b}" })]);`;
    const none = { VK_DRIVER_FILES: undefined, VK_ICD_FILENAMES: undefined };
    for (const env of [{ VK_DRIVER_FILES: inFolder }, { VK_ADD_DRIVER_FILES: different.VK_DRIVER_FILES! }]) {
      expect(await run(code, none, env, recent)).toEqual({ ...silent, reported: [openedA, openedB] });
    }
  });

  test("finds drivers in the user's own folder", async () => {
    const home = join(folder, "home");
    await mkdir(join(home, "vulkan"), { recursive: true });
    await symlink(dirname(different.VK_DRIVER_FILES!.split(":")[0]!), join(home, "vulkan", "icd.d"));
    const none = { VK_DRIVER_FILES: undefined, VK_ICD_FILENAMES: undefined, XDG_CONFIG_HOME: home };
    const code = `report([await opened({ gpu: "${a}" }), await opened({ gpu: "${b}" })]);`;
    expect(await run(code, none, recent)).toEqual({ ...silent, reported: [openedA, openedB] });
  });

  test("leaves the environment as it was, and no files", async () => {
    const temporary = join(folder, "temporary");
    await mkdir(temporary);
    const code = `const before = JSON.stringify(process.env);
      report([await opened({ gpu: "${b}" }), JSON.stringify(process.env) === before]);`;
    const { reported } = await run(code, different, recent, { TMPDIR: temporary });
    expect(reported).toEqual([openedB, true]);
    expect(await readdir(temporary)).toEqual([]);
  });

  test("opens beside the software GPU, and beside the GPU that is not chosen", async () => {
    const code = `report([
      await opened({ gpu: "${b}" }), await opened({ fallback: softwareGpu, software: true }),
      await opened({ adapter: "Pretended-A" }), await opened({ gpu: "${a}" }),
    ]);`;
    const reported = [openedB, swiftShader, openedA, openedA];
    expect(await run(code, different, recent)).toEqual({ ...silent, reported });
  });

  test("refuses what it cannot open, with the GPUs there are", async () => {
    const unknown = uuidOfSoftwareGpu("z");
    const { reported } = await run(
      `report([
        await opened({ gpu: "${unknown}" }), await opened({ gpu: 1 }), await opened({ gpu: "0000:01:00.0" }),
        await opened({ gpu: "SwiftShader" }), await opened({ gpu: 0, adapter: "SwiftShader" }),
        await opened({ gpu: 0, software: true, fallback: softwareGpu }), await opened({ gpu: 0 }),
      ]);`,
      single,
      recent,
    );
    const found = `found: 0 is "SwiftShader Device (Subzero)", UUID ${a}.`;
    expect(reported).toEqual([
      `no-adapter: No GPU has "${unknown}"; ${found}`,
      `no-adapter: No GPU has the index 1; ${found}`,
      `no-adapter: No GPU has "0000:01:00.0"; ${found}`,
      'invalid-option: The option "gpu" must be the UUID, the PCI address ("0000:17:00.0") or the index (0 or more) of a ' +
        'GPU that `gpus()` lists; got "SwiftShader".',
      'invalid-option: The options "gpu" and "adapter" exclude each other; got both.',
      'invalid-option: The options "gpu" and "software" exclude each other; got both.',
      swiftShader,
    ]);
  });

  test("refuses an older loader of the system, and says what brings a recent one", async () => {
    const code = (options: string) => `report(await opened({ gpu: "${a}", ${options} }));`;
    const { reported } = await run(code(""), different, older);
    expect(reported).toBe(
      `no-adapter: The GPU "${names.a} (Subzero)", UUID ${a}, cannot be opened apart from others: the Vulkan loader in ` +
        `this process, ${join(older.LD_LIBRARY_PATH!, "libvulkan.so.1")}, has the version 1.3.239, and only 1.4.329 or ` +
        "later can choose. Pass `fallback: softwareGpu` of @kiln-gpu/software-gpu, which brings such a loader, to the " +
        "first call of this process that looks for a GPU; or update the system's loader.",
    );
    expect((await run(code("fallback: softwareGpu"), different, older)).reported).toBe(openedA);
  });

  test("refuses where an older loader came into the process first", async () => {
    const code = `await opened({ adapter: "Pretended-A" });
      report([await opened({ gpu: "${b}", fallback: softwareGpu }), (await gpus()).length]);`;
    const { reported } = await run(code, different, older);
    expect(reported).toEqual([expect.stringMatching(/^no-adapter: .* has the version 1\.3\.239, and only/), 2]);
  });

  test("opens the only GPU of a machine with an older loader", async () => {
    expect(await run("report(await opened({ gpu: 0 }));", single, older)).toEqual({ ...silent, reported: swiftShader });
  });

  test("is refused in a worker thread whose environment drivers do not see", async () => {
    const source = `
      import { parentPort } from "node:worker_threads";
      import { openDevice } from "@kiln-gpu/webgpu";
      ${prelude}
      parentPort.postMessage([await opened({ gpu: "${a}" }), await opened({ gpu: "${b}" })]);
      await close();`;
    const code = (env: string) => `
      import { SHARE_ENV, Worker } from "node:worker_threads";
      const worker = new Worker(${JSON.stringify(source)}, { eval: true, ${env} });
      worker.once("message", report);
      await new Promise((resolve) => worker.once("exit", resolve));`;
    const refusal = expect.stringMatching(
      /^no-adapter: .* drivers do not see the environment of this worker thread. Start it with `env: SHARE_ENV`/,
    );
    expect((await run(code(""), different, recent)).reported).toEqual([refusal, refusal]);
    expect((await run(code("env: SHARE_ENV"), different, recent)).reported).toEqual([openedA, openedB]);
  });
});

test("away from Linux, GPUs have names alone, and are chosen by their index", async () => {
  // npm webgpu has a library for each platform, and loads once.
  const code = `await opened();
    Object.defineProperty(process, "platform", { value: "darwin" });
    const found = await gpus();
    report([found, await opened({ gpu: 0 }), await opened({ gpu: 1 }), await opened({ gpu: "${a}" })]);`;
  const gpu = (name: string) => ({ index: expect.any(Number), name: `${name} (Subzero)`, kind: "other" });
  const { reported } = await run(code, different, recent);
  const [found, ...opened] = reported as [{ name: string }[], ...string[]];
  expect([...found].sort((x, y) => x.name.localeCompare(y.name))).toEqual([gpu(names.a), gpu(names.b)]);
  const inOrder = found.map(({ name }) => (name.startsWith(names.a) ? openedA : openedB));
  expect(opened).toEqual([
    ...inOrder,
    expect.stringMatching(
      /^no-adapter: .* UUIDs and PCI addresses are known only in Node on Linux; give an index here\.$/,
    ),
  ]);
  const [first, ...others] = ((await run(code, alike, recent)).reported as [object[]])[0];
  expect([first, others]).toEqual([{ ...gpu("SwiftShader Device"), kind: "software" }, []]);
});

test("names the package that asks Vulkan where it is not installed", async () => {
  const project = join(folder, "without-koffi");
  const scope = join(project, "node_modules", "@kiln-gpu");
  await mkdir(scope, { recursive: true });
  const packages = fileURLToPath(new URL("../..", import.meta.url));
  for (const name of ["core", "webgpu"]) {
    await cp(join(packages, name, "dist"), join(scope, name, "dist"), { recursive: true });
    await cp(join(packages, name, "package.json"), join(scope, name, "package.json"));
  }
  const code = `
    import { gpus, openDevice } from "@kiln-gpu/webgpu";
    const say = ({ code, message }) => console.log(code + ": " + message);
    await gpus().catch(say);
    await openDevice({ gpu: 0 }).catch(say);`;
  // Package managers that start this test may name the workspace's own packages in NODE_PATH.
  const env = { ...process.env, NODE_PATH: undefined };
  const { stdout, stderr } = await runNode(["--input-type=module", "--eval", code], { cwd: project, env });
  const refusal =
    'no-adapter: GPUs are told apart through npm "koffi", which does not load; it is not installed with Kiln. Install ' +
    "it: `npm install koffi`.\n";
  expect(stdout, stderr).toBe(refusal + refusal);
});
