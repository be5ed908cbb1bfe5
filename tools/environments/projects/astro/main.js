import { work } from "./work.mjs";

work(() => import("./readme-example.mjs"));
