import { join } from "node:path";
import { expect, it } from "vitest";
import { createProject } from "../project.test-support.js";
import { packageManagerFinding } from "./package-manager.js";

it.each([
  [{ "package-lock.json": "{}" }, "ok", "npm, by package-lock.json"],
  [{ "package.json": '{ "packageManager": "yarn@4.1.0" }' }, "ok", "yarn@4.1.0"],
  [{ "pnpm-lock.yaml": "" }, "note", 'pnpm, by pnpm-lock.yaml, which asks whether npm "webgpu" may run'],
  [{ "pnpm-lock.yaml": "", "pnpm-workspace.yaml": "allowBuilds:\n  webgpu: false\n" }, "ok", "pnpm, by pnpm-lock.yaml"],
] as const)("finds the package manager of %j", async (files, status, found) => {
  const project = await createProject({ ...files, "gpu/package.json": "{}" });
  const finding = packageManagerFinding(project.folder, {});
  expect(finding).toMatchObject({ status });
  expect(finding.found).toContain(found);
  if (!("package.json" in files)) expect(packageManagerFinding(join(project.folder, "gpu"), {})).toEqual(finding);
});
