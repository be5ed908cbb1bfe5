import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "./environment.js";
import { runWell } from "./run-command.js";
import { type VisitOptions, visit } from "./visit.js";
import type { Workshop } from "./workshop.js";

/** Chromium takes a page of localhost for a secure context. */
export const secure = "http://localhost/";
const work = "a page in Chromium: the README's example and SPIR-V";
const expected = ["available", "2,4,6", "4,6"];
/** What must not be in a page: modules of Node, and the software GPU's driver. */
const forbidden = /(\bfrom|\bimport|\brequire) *\(? *["']node:|@kiln-gpu\/swiftshader/;

interface Obstacle {
  readonly page: string;
  readonly url: string;
  readonly options: Pick<VisitOptions, "flags" | "script">;
  /** What `checkWebGpu` tells, and what its error advises. */
  readonly state: string;
  readonly advice: RegExp;
}

/** Why a page may have no WebGPU. */
export const obstacles: readonly Obstacle[] = [
  {
    page: "that is not a secure context",
    url: "http://kiln.test/",
    options: {},
    state: "insecure-context",
    advice: /Serve it over https/,
  },
  {
    page: "in a browser without WebGPU",
    url: secure,
    // No flag takes it from this Chromium.
    options: { script: "delete Navigator.prototype.gpu" },
    state: "unsupported",
    advice: /current version of Chrome/,
  },
  {
    page: "that gets no adapter",
    url: secure,
    options: { flags: ["--enable-unsafe-webgpu", "--disable-gpu", "--disable-software-rasterizer"] },
    state: "no-adapter",
    advice: /Turn hardware acceleration on/,
  },
];

/** What a page tells that has no WebGPU. */
export async function visitWithout(workshop: Workshop, { url, options }: Obstacle): Promise<readonly string[]> {
  await build(workshop, "esbuild", "build");
  return (await visit(url, { folder: join(workshop.project("esbuild"), "dist"), ...options })).told;
}

export const pages: readonly Environment[] = [
  bundler("esbuild", "esbuild", "esbuild"),
  bundler("Rollup", "rollup", "rollup"),
  bundler("webpack", "webpack", "webpack"),
  bundler("Vite", "vite", "vite"),
  bundler("Parcel", "parcel", "parcel"),
  bundler("Astro", "astro", "astro"),
  next("Turbopack"),
  next("webpack"),
];

/** A bundler or framework that builds a folder of files. */
function bundler(name: string, project: string, dependency: string): Environment {
  return {
    name,
    project,
    package: dependency,
    work,
    run: async (workshop) => {
      await build(workshop, project, "build");
      const folder = join(workshop.project(project), "dist");
      await checkFiles(folder);
      return checkVisit(await visit(secure, { folder }));
    },
  };
}

function next(compiler: string): Environment {
  const project = "next";
  return {
    name: `Next.js with ${compiler}`,
    project,
    package: "next",
    work: `${work}; an API route in Node: SPIR-V on the software GPU`,
    run: async (workshop) => {
      await build(workshop, project, `build:${compiler.toLowerCase()}`);
      await checkFiles(join(workshop.project(project), ".next/static"));
      const server = await startNext(workshop.project(project));
      try {
        const answer = await (await fetch(`${server.url}api/add`)).text();
        if (answer !== "[4,6]") throw new Error(`The API route answers ${answer}.`);
        return checkVisit(await visit(server.url));
      } finally {
        await server.close();
      }
    },
  };
}

/** Some frameworks need a newer Node than the one that runs the checks. */
export async function build(workshop: Workshop, project: string, script: string): Promise<void> {
  const node = join(workshop.project("runtimes"), "node_modules/node-24/bin");
  const env = { PATH: `${node}:${process.env.PATH}`, ASTRO_TELEMETRY_DISABLED: "1", NEXT_TELEMETRY_DISABLED: "1" };
  await runWell("pnpm", ["run", script], { cwd: workshop.project(project), env });
}

async function checkFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder, { recursive: true })) {
    if (!name.endsWith(".js")) continue;
    const found = forbidden.exec(await readFile(join(folder, name), "utf8"));
    if (found) throw new Error(`${name} has "${found[0]}", which must not reach a page.`);
  }
}

function checkVisit({ told, problems }: Awaited<ReturnType<typeof visit>>): string {
  if (problems.length > 0 || told.join(" | ") !== expected.join(" | ")) {
    throw new Error(`The page tells "${told.join(" | ")}", with the problems: ${problems.join("; ") || "none"}.`);
  }
  return "right";
}

async function startNext(cwd: string): Promise<{ readonly url: string; close(): Promise<void> }> {
  const program = join("node_modules/next/dist/bin/next");
  const server: ChildProcess = spawn(process.execPath, [program, "start", "--port", "0"], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, NO_COLOR: "1", NEXT_TELEMETRY_DISABLED: "1" },
  });
  const url = await new Promise<string>((resolve, reject) => {
    let said = "";
    server.stdout!.on("data", (chunk: Buffer) => {
      said += chunk;
      const [found] = /http:\/\/localhost:\d+/.exec(said) ?? [];
      if (found && said.includes("Ready")) resolve(`${found}/`);
    });
    server.on("exit", () => reject(new Error(`next start ends: ${said}`)));
  });
  return {
    url,
    close: async () => {
      const ended = once(server, "exit");
      server.kill();
      await ended;
    },
  };
}
