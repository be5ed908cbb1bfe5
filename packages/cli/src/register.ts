/** Lets Node import shaders: `node --import @kiln-gpu/cli/register`. */
import { register } from "node:module";

register("./load-shader.js", import.meta.url);
