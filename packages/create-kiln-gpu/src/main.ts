#!/usr/bin/env node
import { runInit } from "./index.js";

const { stdout: output, stderr: errors } = process;
const surroundings = { folder: process.cwd(), output, errors, agent: process.env.npm_config_user_agent };
process.exitCode = await runInit("npm create kiln-gpu", process.argv.slice(2), surroundings);
