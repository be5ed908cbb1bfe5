import translatorWasm from "@kiln-gpu/shader/naga.wasm";
import { work } from "./work.mjs";

work(() => import("./readme-example.mjs"), { translatorWasm });
