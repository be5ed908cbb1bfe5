export { type InitSurroundings, initHelp, runInit } from "./run-init.js";
