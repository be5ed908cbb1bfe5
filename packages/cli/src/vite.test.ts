import type { Plugin } from "vite";
import { expect, expectTypeOf, it } from "vitest";
import { createProject, scale } from "./project.test-support.js";
import { shaders } from "./vite.js";

it("is a Vite plugin for shaders alone", async () => {
  const plugin = shaders();
  expectTypeOf(plugin).toExtend<Plugin>();
  const { folder } = await createProject({ "scale.wgsl": scale });
  expect(await plugin.load(`${folder}/scale.wgsl`)).toContain("export const scale = kiln.defineKernel({");
  for (const other of ["scale.wgsl?raw", "scale.wgsl.ts", "scale.ts", ".wgsl"]) {
    expect(await plugin.load(`${folder}/${other}`)).toBeUndefined();
  }
});
