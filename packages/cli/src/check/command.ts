import { relative } from "node:path";
import { styleText } from "node:util";
import { isComputeError } from "@kiln-gpu/core";
import { layOutPipeline, linesOf } from "@kiln-gpu/core/backend";
import { type LoadedProgram, variantOf } from "@kiln-gpu/shader";
import { type Command, parseOptions } from "../command.js";
import type { Race } from "../detect-races.js";
import { findShaders } from "../find-shaders.js";
import { readShaderFile } from "../read-shader-file.js";
import { UsageError } from "../usage-error.js";
import { openValidator, type Validator } from "../validator.js";
import { findRaces } from "./find-races.js";

const help = `Usage: kiln check FILE... [options]

Compiles each compute entry point of .wgsl and .spv files, or of those in folders, on a device, and looks for data races
in workgroup memory: two threads of a workgroup that use one element with no barrier between, at least one of them to
write it. For that it runs one workgroup in an emulator, with invented values: arrays of 8192 elements, whole numbers of
64, others of 1.

It does not find races between workgroups, races in storage buffers, or those that need other values. Some shaders it
cannot emulate, and says so. A race that it prints is one; silence proves nothing.

Options:
  --json      prints JSON
  -h, --help  prints this help

Exits with 1 if a shader does not compile or has a race, and with 2 if the command line has an error.`;

interface Report {
  readonly file: string;
  readonly entryPoint?: string;
  readonly error?: string;
  readonly races?: readonly (Race & { readonly text: string })[];
  readonly unknown?: string;
}

export const command: Command = {
  help,
  async run(args, { folder, output, errors }) {
    const given = parseOptions(args, { json: "flag" });
    if (given.paths.length === 0) throw new UsageError("The command takes one FILE or more; got none.");
    const files = await filesOf(given.paths, folder);
    await using validator = await openValidator(folder);
    const reports: Report[] = [];
    for (const file of files) {
      for await (const report of checkFile(file, folder, validator)) {
        reports.push(report);
        if (given.flag("json")) continue;
        if (report.error !== undefined) errors.write(`${report.error}\n`);
        for (const race of report.races ?? []) errors.write(`${showRace(report, race)}\n`);
      }
    }
    const wrong = reports.filter(({ error, races = [] }) => error !== undefined || races.length > 0);
    if (given.flag("json")) {
      output.write(`${JSON.stringify({ device: validator.deviceName, reports }, null, 2)}\n`);
    } else {
      const unknown = reports.filter((report) => report.unknown !== undefined);
      for (const { file, entryPoint, unknown: why } of unknown) {
        output.write(`${file}, ${entryPoint}: compiles; races were not looked for, because ${why}\n`);
      }
      const text =
        `Entry points on ${validator.deviceName}: ${reports.length - wrong.length} compile, ${wrong.length} wrong; ` +
        `${unknown.length} not searched for races.`;
      output.write(`${styleText("dim", text, { stream: output })}\n`);
    }
    return wrong.length === 0 ? 0 : 1;
  },
};

/** Files as they are given, and the shaders in folders, by their paths. */
async function filesOf(paths: readonly string[], folder: string): Promise<string[]> {
  const { shaders } = await findShaders(paths, folder);
  return shaders.map((path) => relative(folder, path));
}

async function* checkFile(
  file: string,
  folder: string,
  validator: Pick<Validator, "validate" | "limits">,
): AsyncGenerator<Report> {
  let entryPoints: readonly LoadedProgram[];
  try {
    ({ entryPoints } = await readShaderFile(file, folder));
  } catch (error) {
    if (!isComputeError(error)) throw error;
    yield { file, error: error.message };
    return;
  }
  for (const program of entryPoints) {
    const { entryPoint } = program.interface;
    try {
      await validator.validate([{ ...program, file }]);
    } catch (error) {
      if (!isComputeError(error) || error.code === "device-lost") throw error;
      yield { file, entryPoint, error: error.message };
      continue;
    }
    const layout = layOutPipeline(
      "The shader",
      program.interface,
      { split: false, immediate: false },
      validator.limits,
    );
    const wgsl = variantOf(program, layout);
    const search = await findRaces(program, wgsl);
    if ("unknown" in search) {
      yield { file, entryPoint, unknown: oneLine(search.unknown) };
      continue;
    }
    const lines = linesOf(wgsl);
    const races = search.races.map((race) => ({
      ...race,
      text: race.uses.map(({ line }) => lines[line - 1]?.trim() ?? "").join("\n"),
    }));
    yield { file, entryPoint, races };
  }
}

function showRace(
  { file, entryPoint }: Report,
  { variable, uses: [first, second], text }: Race & { readonly text: string },
): string {
  const isText = file.endsWith(".wgsl");
  const place = isText ? `${file}:${second.line}:1` : file;
  const name = { read: "reads", write: "writes" };
  const where = (line: number) => (isText ? `line ${line}` : `line ${line} of the translation`);
  const [firstText, secondText] = text.split("\n");
  return [
    `${place}: error: a data race in "${entryPoint}": one thread ${name[first.kind]} an element of "${variable}" in ` +
      `${where(first.line)}, another ${name[second.kind]} it in ${where(second.line)}, with no workgroupBarrier() between.`,
    `    ${firstText}`,
    ...(second.line === first.line ? [] : [`    ${secondText}`]),
  ].join("\n");
}

function oneLine(text: string): string {
  return `${text.replace(/\s+/g, " ").replace(/\.+$/, "")}.`;
}
