#!/usr/bin/env node
import { runCommand } from "./run-command.js";

const { stdout: output, stderr: errors } = process;
process.exitCode = await runCommand(process.argv.slice(2), { folder: process.cwd(), output, errors });
