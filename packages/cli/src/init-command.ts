import { initHelp, runInit } from "create-kiln-gpu";
import type { Command } from "./command.js";

const name = "kiln init";

export const command: Command = {
  help: initHelp(name),
  run(args, surroundings) {
    return runInit(name, args, { ...surroundings, agent: process.env.npm_config_user_agent });
  },
};
