#!/usr/bin/env node
import process from "node:process";

const { stdout: output, stderr: errors, versions } = process;
if (process.getBuiltinModule === undefined) {
  errors.write(`Kiln needs Node 20.19 or later; this is Node ${versions.node}.\n`);
  process.exitCode = 1;
} else {
  // Imported here and not above: some of what it imports is a syntax error in an old Node.
  const { runCommand } = await import("./run-command.js");
  process.exitCode = await runCommand(process.argv.slice(2), { folder: process.cwd(), output, errors });
}
