import { join } from "node:path";
import type { Environment } from "./environment.js";
import { build, secure } from "./pages.js";
import { visit } from "./visit.js";

const project = "sharing";

/** Libraries that share a device and buffers with Kiln. */
export const libraries: readonly Environment[] = [
  library("TypeGPU", "typegpu", "typegpu", "10,12,14,16 | 10,12,14,16"),
  library("ONNX Runtime Web", "onnxruntime-web", "onnx", "25,50,75,100 | 25,50,75,100 | 50,100,150,200"),
];

/** @param results What the page reads: through Kiln, and through the library. */
function library(name: string, dependency: string, page: string, results: string): Environment {
  return {
    name,
    project,
    package: dependency,
    work: "a page in Chromium: arrays and buffers shared both ways, nothing mapped in between",
    run: async (workshop) => {
      await build(workshop, project, "build");
      const folder = join(workshop.project(project), "dist");
      const { told, problems } = await visit(`${secure}${page}.html`, { folder });
      if (problems.length === 0 && told[0] === "0 maps" && told[1] === results) return "right";
      throw new Error(`The page tells "${told.join(" | ")}", with the problems: ${problems.join("; ") || "none"}.`);
    },
  };
}
