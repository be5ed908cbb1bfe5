/** Tests of the built command, of Node's loader and of Vite's plugin, each in its own process as for a user. */
import type { ChildProcess } from "node:child_process";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { fieldAdd, histogramSpirv, saxpy, sumSpirv } from "@kiln-gpu/kernels";
import { startNode } from "@kiln-gpu/processes";
import { describe, expect, it, onTestFinished } from "vitest";
import { createProject, ignoreForcedColor, type Project, readModule, scale } from "./project.test-support.js";

const command = fileURLToPath(new URL("../dist/main.js", import.meta.url));

const compiler = fileURLToPath(new URL("../../../node_modules/typescript/bin/tsc", import.meta.url));

/** A process whose output a test can wait for. */
class Running {
  /** What the program itself prints. */
  text = "";
  /** Everything on standard error, including the text of drivers and of the error that ends the process. */
  stderr = "";
  readonly #child: ChildProcess;
  readonly ended: Promise<number | null>;
  #onText = () => {};

  constructor({ folder }: Project, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
    ignoreForcedColor();
    const child = startNode(args, { cwd: folder, env: { ...process.env, ...env } }, (stream, text) => {
      if (stream === "stderr") this.stderr += text;
      else this.text += text;
      this.#onText();
    });
    this.ended = new Promise((resolve) => {
      child.on("close", resolve);
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    this.#child = child;
  }

  /** Resolves with the text since the last call, once it contains `words`. */
  async until(words: string): Promise<string> {
    while (!this.text.includes(words)) {
      await new Promise<void>((resolve) => {
        this.#onText = resolve;
      });
    }
    const seen = this.text;
    this.text = "";
    return seen;
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }
}

describe("kiln", () => {
  it("exits with 0, 1 or 2", async () => {
    const project = await createProject({ "scale.wgsl": scale });
    const codes = [];
    for (const args of [
      ["--version"],
      ["codegen"],
      ["codegen", "--check"],
      ["codegen", "absent"],
      ["codegen", "--no"],
    ]) {
      codes.push(await new Running(project, [command, ...args]).ended);
    }
    await project.write({ "scale.wgsl": "fn" });
    codes.push(await new Running(project, [command, "codegen"]).ended);
    expect(codes).toEqual([0, 0, 0, 2, 2, 1]);
  });

  it("prints no color to a pipe", async () => {
    const project = await createProject({ "scale.wgsl": scale, "broken.wgsl": "fn" });
    const running = new Running(project, [command, "codegen"]);
    await running.ended;
    expect(running.text).toMatch(/written scale\.wgsl\.ts\n/);
    expect(running.text).toMatch(/^broken\.wgsl:1:3: error: /m);
    expect(running.text).not.toContain("\u001b");
  });

  it.each(["SIGINT", "SIGTERM"] as const)(
    "watches until %s, through errors and through files that appear and disappear",
    async (signal) => {
      const project = await createProject({ "gpu/scale.wgsl": scale });
      const running = new Running(project, [command, "codegen", "gpu", "--watch"]);
      expect(await running.until("Waiting for changes.\n")).toMatch(/^written gpu\/scale\.wgsl\.ts\n/);

      await project.write({ "gpu/scale.wgsl": "fn" });
      await running.until("gpu/scale.wgsl:1:3: error: the text ends where a name is expected");
      // Most editors save by replacing the file.
      for (const size of [32, 16]) {
        await project.write({ "gpu/scale.wgsl~": scale.replace("64", `${size}`) });
        await rename(join(project.folder, "gpu/scale.wgsl~"), join(project.folder, "gpu/scale.wgsl"));
        await running.until("written gpu/scale.wgsl.ts\n");
        expect(await project.read("gpu/scale.wgsl.ts")).toContain(`@workgroup_size(${size})`);
      }
      await project.write({ "gpu/deep/er/add.spv": await readModule("add.glslang.spv") });
      await running.until("written gpu/deep/er/add.spv.ts\n");
      await rm(join(project.folder, "gpu/scale.wgsl"));
      await running.until("removed gpu/scale.wgsl.ts\n");
      await rm(join(project.folder, "gpu"), { recursive: true });
      await running.until('There is no file or folder "gpu".');
      running.kill(signal);
      expect(await running.ended).toBe(0);
    },
  );

  it("does not watch a path that does not exist", async () => {
    const running = new Running(await createProject(), [command, "codegen", "absent", "--watch"]);
    expect(await running.ended).toBe(2);
  });

  it("validates shaders on a device", async () => {
    const project = await createProject({
      "a.wgsl": scale,
      "b.wgsl": scale.replace("params.factor *", "params.count *"),
      "c.spv": await readModule("push-constants.glslang.spv"),
      "d.wgsl": scale.replace("64", "size").replace("struct", "override size: u32;\nstruct"),
    });
    const running = new Running(project, [command, "codegen", "--validate"]);
    expect(await running.ended).toBe(1);
    expect(running.text).toMatch(/^Validating on /);
    expect(running.text).toMatch(/^b\.wgsl:6:40: error: no matching overload for 'operator \* \(u32, f32\)'$/m);
    expect(running.text).toMatch(/^ {4}if \(id\.x < params\.count\) .*\n {41}\^{22}$/m);
    expect(running.text).toMatch(/^Modules: 3 written, 0 up to date, 1 wrong\.$/m);
    expect(await project.files()).not.toContain("b.wgsl.ts");
  });
});

const use = `import { output } from "@kiln-gpu/core";
  import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
  import { softwareGpu } from "@kiln-gpu/software-gpu";
  import { scale } from "./gpu/scale.wgsl";
  import { add } from "./gpu/add.spv";
  const gpu = await openPersistentBackend({ fallback: softwareGpu });
  const x = Float32Array.of(1, 2, 3);
  const { y } = await gpu.run(scale, { params: { factor: 2, count: 3 }, x, y: output(Float32Array, 3) });
  const { c } = await gpu.run(add, { a: x, b: y, c: output(Float32Array, 3) });
  console.log(y.join(), c.join(), scale.programs.main.file);
  await gpu.dispose();`;
const result = "2,4,6 3,6,9 gpu/scale.wgsl\n";

async function createUse(): Promise<Project> {
  const project = await createProject({
    "use.js": use,
    "gpu/scale.wgsl": scale,
    "gpu/add.spv": await readModule("add.glslang.spv"),
    "broken.js": 'import "./broken.wgsl";',
    "broken.wgsl": "\n fn main(",
  });
  await mkdir(join(project.folder, "node_modules/@kiln-gpu"), { recursive: true });
  await symlink(fileURLToPath(new URL("..", import.meta.url)), join(project.folder, "node_modules/@kiln-gpu/cli"));
  return project;
}

describe("kiln run", () => {
  it("prints results without color to a pipe", async () => {
    const project = await createProject({ "scale.wgsl": scale });
    const values = ["--params.factor", "2", "--params.count", "length:x", "--x", "ramp:3", "--y", "f32:x"];
    const running = new Running(project, [command, "run", "scale.wgsl", ...values]);
    expect(await running.ended).toBe(0);
    expect(running.text).toMatch(/^On .*\.\ny: 3 x f32\n {3}0 {2}0 {2}2 {2}4\n$/);
  });
});

describe("kiln init", () => {
  it("makes a project whose generated types are up to date, and whose program and test run", async () => {
    const project = await createProject();
    expect(await new Running(project, [command, "init", "made"]).ended).toBe(0);
    const folder = join(project.folder, "made");
    const made = { ...project, folder };
    const check = new Running(made, [command, "codegen", "src", "--check"]);
    expect([await check.ended, check.text]).toEqual([0, "Modules: 0 written, 1 up to date.\n"]);
    const compile = new Running(made, [compiler]);
    expect([await compile.ended, compile.text]).toEqual([0, ""]);
    const program = new Running(made, ["dist/main.js"]);
    expect(await program.ended).toBe(0);
    expect(program.text).toMatch(/^On .*: Float32Array\(3\) \[ 2, 4, 6 \]\n$/);
    const test = new Running({ ...project, folder: join(folder, "dist") }, ["--test", "--test-reporter=tap"]);
    expect(await test.ended, test.text).toBe(0);
    expect(test.text).toMatch(/^# pass 1$/m);
  });
});

/** Adds 64 elements in workgroup memory, with and without what keeps its threads apart. */
const barrier = "workgroupBarrier();";
const addUp = (first: string, each: string) => `var<workgroup> sums: array<f32, 64>;
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_id) at: vec3u, @builtin(workgroup_id) workgroup: vec3u) {
  sums[at.x] = x[workgroup.x * 64 + at.x];
  ${first}
  for (var k = 32u; k > 0u; k /= 2u) {
    if (at.x < k) { sums[at.x] += sums[at.x + k]; }
    ${each}
  }
  if (at.x == 0u) { y[workgroup.x] = sums[0]; }
}`;

describe("kiln check", () => {
  it("finds missing barriers and errors of the compiler, with their lines", async () => {
    const project = await createProject({
      "right.wgsl": addUp(barrier, barrier),
      "first.wgsl": addUp("", barrier),
      "each.wgsl": addUp(barrier, ""),
      "wrong.wgsl": scale.replace("params.factor *", "params.count *"),
    });
    const running = new Running(project, [command, "check", "."]);
    expect(await running.ended).toBe(1);
    expect(running.text).toMatch(
      /^first\.wgsl:8:1: error: a data race in "main": one thread writes an element of "sums" in line 5, another reads it in line 8, /m,
    );
    expect(running.text).toMatch(/^each\.wgsl:8:1: error: a data race in "main": .* in line 8, .* in line 8, /m);
    expect(running.text).toMatch(/^ +wrong\.wgsl:6:40: no matching overload/m);
    expect(running.text).not.toMatch(/^right/m);
    expect(running.text).toMatch(/: 1 compile, 3 wrong; 0 not searched for races\.$/m);
  });

  it("finds nothing in right kernels, and says which it cannot emulate", async () => {
    const kernels = { fieldAdd, histogramSpirv, saxpy, sumSpirv };
    const files = Object.entries(kernels).flatMap(([label, { programs }]) =>
      Object.entries(programs).map(([name, { wgsl, spirv }]) =>
        wgsl === undefined
          ? ([`${label}-${name}.spv`, new Uint8Array(spirv.buffer, spirv.byteOffset, spirv.byteLength)] as const)
          : ([`${label}-${name}.wgsl`, wgsl] as const),
      ),
    );
    const project = await createProject({
      ...Object.fromEntries(files),
      "unknown.spv": await readModule("workgroup-uniform.glslang.spv"),
    });
    const running = new Running(project, [command, "check", ".", "--json"]);
    expect(await running.ended, running.text).toBe(0);
    const { reports } = JSON.parse(running.text) as {
      reports: { file: string; races?: unknown[]; unknown?: string; error?: string }[];
    };
    expect(reports.flatMap(({ races = [], error = [] }) => [races, error].flat())).toEqual([]);
    expect(reports.find(({ file }) => file === "unknown.spv")!.unknown).toMatch(/^the emulator stopped: /);
    expect(reports.filter(({ races }) => races).length).toBeGreaterThanOrEqual(2);
  });

  it("refuses no file", async () => {
    expect(await new Running(await createProject(), [command, "check"]).ended).toBe(2);
  });
});

describe("kiln doctor", () => {
  it("finds the software GPU, with its features and limits, where there is no GPU", async () => {
    const project = await createProject();
    const running = new Running(project, [command, "doctor", "--json"]);
    expect(await running.ended).toBe(0);
    const { canRun, findings, devices } = JSON.parse(running.text);
    expect(canRun).toBe(true);
    expect(findings[0]).toEqual({
      status: "ok",
      name: "Node",
      found: `${process.versions.node}, ${process.platform} ${process.arch}`,
    });
    const software = devices.find(({ name }: { name: string }) => name.includes("SwiftShader"));
    expect(software).toMatchObject({ isSoftware: true, features: expect.arrayContaining(["subgroups"]) });
    expect(findings.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(["Package manager", "GPU", "Software GPU", "Store"]),
    );
  });

  it("shows the device, and says on what kernels run", async () => {
    const running = new Running(await createProject(), [command, "doctor"]);
    expect(await running.ended).toBe(0);
    expect(running.text).toMatch(/^ok {7}Software GPU: .*SwiftShader.*; the CPU computes$/m);
    expect(running.text).toMatch(/^ {2}timestamps {2}(yes|no)\n {2}f16 +(yes|no)\n {2}subgroups {3}yes$/m);
    expect(running.text).toMatch(/\n\nKernels run on (the GPU|a software GPU: with right results, and slowly)\.\n$/);
  });
});

describe("node --import @kiln-gpu/cli/register", () => {
  const args = (file: string) => ["--import", "@kiln-gpu/cli/register", file];

  it("imports shaders", async () => {
    const running = new Running(await createUse(), args("use.js"));
    expect([await running.ended, running.text]).toEqual([0, result]);
  });

  it("says where a shader has an error", async () => {
    const project = await createUse();
    const running = new Running(project, args("broken.js"));
    expect(await running.ended).toBe(1);
    expect(running.stderr).toContain(`${join(project.folder, "broken.wgsl")}:2:10: `);
    expect(running.stderr).toMatch(/\n {5}fn main\(\n {13}\^\n/);
  });
});

describe("the plugin of Vite", () => {
  const build = (entry: string) => `import { build } from "vite";
    import { shaders } from "@kiln-gpu/cli/vite";
    await build({ configFile: false, logLevel: "warn", plugins: [shaders()], ssr: { external: true },
      build: { ssr: "${entry}", outDir: "dist", minify: false } });`;

  it("builds shaders into a bundle that runs", async () => {
    const project = await createUse();
    await project.write({ "build.js": build("use.js") });
    const building = new Running(project, ["build.js"]);
    expect([await building.ended, building.text]).toEqual([0, ""]);
    expect(await project.read("dist/use.js")).toContain("@workgroup_size(64)");
    expect(await project.read("dist/use.js")).not.toContain(project.folder);
    const running = new Running(project, ["dist/use.js"]);
    expect([await running.ended, running.text]).toEqual([0, result]);
  });

  it("says where a shader has an error, and leaves the text of a shader to Vite", async () => {
    const project = await createUse();
    await project.write({ "build.js": build("broken.js") });
    const broken = new Running(project, ["build.js"]);
    expect(await broken.ended).toBe(1);
    expect(broken.stderr).toContain(`${join(project.folder, "broken.wgsl")}:2:10: `);
    await project.write({
      "build.js": build("raw.js"),
      "raw.js": 'import text from "./broken.wgsl?raw"; console.log(text);',
    });
    expect(await new Running(project, ["build.js"]).ended).toBe(0);
    expect(await project.read("dist/raw.js")).toContain("fn main(");
  });
});
