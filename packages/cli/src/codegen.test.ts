import { mkdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { firstLine } from "./generate-module.js";
import { createProject, readModule, scale } from "./project.test-support.js";

describe("kiln codegen", () => {
  it("writes a module beside each shader, at any depth, and leaves modules that are up to date", async () => {
    const add = await readModule("add.glslang.spv");
    const project = await createProject({ "a/scale.wgsl": scale, "a/b/scale.wgsl": scale, "a/scale.spv": add });
    expect(await project.run("codegen", "a")).toEqual({
      code: 0,
      output:
        "written a/b/scale.wgsl.ts\nwritten a/scale.spv.ts\nwritten a/scale.wgsl.ts\nModules: 3 written, 0 up to date.\n",
      errors: "",
    });
    expect(await project.files()).toEqual([
      ...["a/b/scale.wgsl", "a/b/scale.wgsl.ts", "a/scale.spv", "a/scale.spv.ts", "a/scale.wgsl", "a/scale.wgsl.ts"],
      "package.json",
    ]);
    expect(await project.run("codegen", "a", "a/b/scale.wgsl", "./a/b")).toMatchObject({
      output: "Modules: 0 written, 3 up to date.\n",
    });
  });

  it("starts in the current folder, and says if there are no shaders", async () => {
    const project = await createProject();
    expect(await project.run("codegen")).toEqual({ code: 0, output: "No shaders were found.\n", errors: "" });
    await project.write({ "scale.wgsl": scale });
    expect(await project.run("codegen")).toMatchObject({ output: expect.stringContaining("written scale.wgsl.ts") });
  });

  it("writes the same bytes in any folder, from any folder, whatever the line ends of a checkout", async () => {
    const spirv = await readModule("uniform-vectors.glslang.spv");
    const one = await createProject({ "gpu/scale.wgsl": scale, "gpu/deep/vectors.spv": spirv });
    const other = await createProject({
      "gpu/deep/vectors.spv": spirv,
      "gpu/scale.wgsl": `\ufeff${scale.replaceAll("\n", "\r\n")}`,
    });
    await one.run("codegen", "gpu");
    await other.run("codegen", "gpu/deep/vectors.spv", join(other.folder, "gpu/scale.wgsl"));
    for (const path of ["gpu/scale.wgsl.ts", "gpu/deep/vectors.spv.ts"]) {
      const text = await one.read(path);
      expect(await other.read(path)).toBe(text);
      expect(text.split("\n")[0]).toBe(firstLine);
      expect(text).toContain(`file: "${path.replace(/\.ts$/u, "")}"`);
      expect(text).not.toContain("\r");
      expect(text).not.toContain(one.folder);
    }
  });

  it("imports the package that the shader's own package depends on", async () => {
    const manifest = (...names: string[]) =>
      JSON.stringify({ type: "module", dependencies: Object.fromEntries(names.map((name) => [name, "*"])) });
    const project = await createProject({
      "one/package.json": manifest("kiln-gpu"),
      "one/scale.wgsl": scale,
      "both/package.json": manifest("kiln-gpu", "@kiln-gpu/core"),
      "both/scale.wgsl": scale,
      "none/package.json": "{",
      "none/scale.wgsl": scale,
    });
    await project.run("codegen");
    const imports = async (name: string) => /from "(.*)";/.exec(await project.read(`${name}/scale.wgsl.ts`))?.[1];
    expect(await imports("one")).toBe("kiln-gpu");
    expect(await imports("both")).toBe("@kiln-gpu/core");
    expect(await imports("none")).toBe("@kiln-gpu/core");
  });

  it("skips packages, hidden folders, links and a loop of links", async () => {
    const project = await createProject({
      "node_modules/p/scale.wgsl": scale,
      ".hidden/scale.wgsl": scale,
      "a/scale.wgsl": scale,
    });
    await symlink("..", join(project.folder, "a/loop"));
    await symlink("scale.wgsl", join(project.folder, "a/link.wgsl"));
    const { code, output } = await project.run("codegen");
    expect([code, output]).toEqual([0, "written a/scale.wgsl.ts\nModules: 1 written, 0 up to date.\n"]);
    expect((await project.run("codegen", "a/loop/a")).output).toBe("Modules: 0 written, 1 up to date.\n");
  });

  it("removes the module of a shader that no longer exists, and no file that it did not write", async () => {
    const project = await createProject({ "a/scale.wgsl": scale, "a/own.wgsl.ts": "export {};\n" });
    await project.run("codegen");
    await rename(join(project.folder, "a/scale.wgsl"), join(project.folder, "a/times.wgsl"));
    const { code, output } = await project.run("codegen");
    expect([code, output]).toEqual([
      0,
      "written a/times.wgsl.ts\nremoved a/scale.wgsl.ts\nModules: 1 written, 0 up to date, 1 removed.\n",
    ]);
    expect(await project.files()).toEqual(["a/own.wgsl.ts", "a/times.wgsl", "a/times.wgsl.ts", "package.json"]);
  });

  it("never overwrites a file that it did not generate", async () => {
    const project = await createProject({ "scale.wgsl": scale, "scale.wgsl.ts": "export const scale = 1;\n" });
    const { code, errors } = await project.run("codegen");
    expect([code, errors]).toEqual([
      1,
      "scale.wgsl.ts: error: This file was not generated, so its shader's module cannot be written here; rename one of them.\n",
    ]);
    expect(await project.read("scale.wgsl.ts")).toBe("export const scale = 1;\n");
    await rm(join(project.folder, "scale.wgsl.ts"));
    await mkdir(join(project.folder, "scale.wgsl.ts"));
    expect(await project.run("codegen")).toMatchObject({
      code: 1,
      errors: expect.stringMatching(/^scale\.wgsl\.ts: error: EISDIR/),
    });
  });
});

describe("kiln codegen --check", () => {
  it("passes if everything is up to date, also with the line ends of another checkout", async () => {
    const project = await createProject({ "scale.wgsl": scale });
    await project.run("codegen");
    await project.write({ "scale.wgsl.ts": (await project.read("scale.wgsl.ts")).replaceAll("\n", "\r\n") });
    expect(await project.run("codegen", "--check")).toEqual({
      code: 0,
      output: "Modules: 0 written, 1 up to date.\n",
      errors: "",
    });
  });

  it("writes nothing, and names each module that is missing, out of date or left over", async () => {
    const project = await createProject({ "a.wgsl": scale, "b.wgsl": scale, "c.wgsl": scale });
    await project.run("codegen");
    await project.write({ "b.wgsl": scale.replace("64", "32"), "d.wgsl": scale });
    await rm(join(project.folder, "c.wgsl"));
    const before = await project.read("b.wgsl.ts");
    const files = await project.files();
    const { code, errors, output } = await project.run("codegen", "--check");
    expect(errors.split("\n")).toEqual([
      "b.wgsl.ts: error: This module is out of date; `kiln codegen` writes it.",
      "d.wgsl.ts: error: This module is missing; `kiln codegen` writes it.",
      "c.wgsl.ts: error: This module was generated from c.wgsl, which no longer exists; `kiln codegen` removes it.",
      "",
    ]);
    expect([code, output]).toEqual([1, "Modules: 0 written, 1 up to date, 3 wrong.\n"]);
    expect([await project.read("b.wgsl.ts"), await project.files()]).toEqual([before, files]);
  });
});

describe("a shader with an error", () => {
  const main = "@compute @workgroup_size(1) fn main() {}\n";

  it("is reported with its place, its line and a caret, and does not stop the others", async () => {
    const project = await createProject({
      "gpu/broken.wgsl": `struct S { a: u32 }\n\t compute fn main() {}\n`,
      "gpu/bytes.wgsl": Buffer.concat([Buffer.from(`// é\n// `), Buffer.from([0xe9]), Buffer.from(`\n${main}`)]),
      "gpu/empty.wgsl": "",
      "gpu/image.wgsl":
        "@group(0) @binding(0) var image: texture_2d<f32>;\n@compute @workgroup_size(1) fn main() { _ = image; }",
      "gpu/library.wgsl": "fn twice(x: f32) -> f32 { return 2 * x; }",
      "gpu/scale.wgsl": scale,
      "gpu/short.spv": (await readModule("add.glslang.spv")).subarray(0, 41),
      "gpu/volatile.spv": await readModule("coherent.glslang.spv"),
      "gpu/wide.wgsl": new Uint8Array(Buffer.from(`\ufeff${main}`, "utf16le")),
    });
    const { code, errors, output } = await project.run("codegen", "gpu");
    expect(errors.split("\n")).toEqual([
      'gpu/broken.wgsl:2:3: error: "compute" stands where a declaration is expected',
      "  \t compute fn main() {}",
      "  \t ^^^^^^^",
      "gpu/bytes.wgsl:2:4: error: The file is not UTF-8: byte 9 does not belong to a character.",
      "  // \ufffd",
      "     ^",
      "gpu/empty.wgsl: error: The shader has no compute entry point, and only those run.",
      'gpu/image.wgsl:1:27: error: The shader uses "image", a texture_2d; Kiln binds storage and uniform buffers.',
      "  @group(0) @binding(0) var image: texture_2d<f32>;",
      "                            ^^^^^",
      "gpu/library.wgsl: error: The shader has no compute entry point, and only those run.",
      expect.stringMatching(/^gpu\/short\.spv: error: The shader .*41 bytes/),
      expect.stringMatching(
        /^gpu\/volatile\.spv: error: The shader has volatile or coherent memory \(OpMemberDecorate at byte \d+\)/,
      ),
      "gpu/wide.wgsl:1:1: error: The file is not UTF-8: byte 0 does not belong to a character.",
      expect.stringMatching(/^ {2}\ufffd/),
      "  ^",
      "",
    ]);
    expect([code, output]).toEqual([1, "written gpu/scale.wgsl.ts\nModules: 1 written, 0 up to date, 8 wrong.\n"]);
  });

  it("keeps its previous module", async () => {
    const project = await createProject({ "scale.wgsl": scale });
    await project.run("codegen");
    const before = await project.read("scale.wgsl.ts");
    await writeFile(join(project.folder, "scale.wgsl"), "");
    expect((await project.run("codegen")).code).toBe(1);
    expect(await project.read("scale.wgsl.ts")).toBe(before);
  });
});

describe("a wrong command line", () => {
  it.each([
    [["codegen", "absent"], 'There is no file or folder "absent".'],
    [["codegen", "scale.wgsl/absent"], 'There is no file or folder "scale.wgsl/absent".'],
    [["codegen", "package.json"], 'A path must be a folder, or a file that ends in .wgsl or .spv; got "package.json".'],
    [["codegen", "--chek"], "Unknown option '--chek'. Did you mean --check?"],
    [["codegen", "--check", "--watch"], "--check and --watch exclude each other; got both."],
    [
      ["generate"],
      'The command must be one of init, run, inspect, codegen, check, doctor, bench, worker, cache; got "generate".',
    ],
    [["--verbose"], "Unknown option '--verbose'."],
    [[], "A command is missing."],
  ])("is reported in a sentence and exits with 2: %j", async (args, message) => {
    const project = await createProject({ "scale.wgsl": scale });
    const { code, output, errors } = await project.run(...args);
    expect([code, output, errors.slice(0, message.length)]).toEqual([2, "", message]);
    expect(await project.files()).toEqual(["package.json", "scale.wgsl"]);
  });

  it.each([
    [["--help"], /^Usage: kiln <command>/],
    [["-h"], /^Usage: kiln <command>/],
    [["codegen", "--help"], /^Usage: kiln codegen \[paths\.\.\.\]/],
    [["--version"], /^\d+\.\d+\.\d+\n$/],
  ])("is not one that asks for help or the version: %j", async (args, output) => {
    const project = await createProject({ "scale.wgsl": scale });
    expect(await project.run(...args)).toEqual({ code: 0, output: expect.stringMatching(output), errors: "" });
    expect(await project.files()).toEqual(["package.json", "scale.wgsl"]);
  });
});
