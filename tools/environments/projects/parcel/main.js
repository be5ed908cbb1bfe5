// Parcel knows no `await` outside of functions.
import { example } from "./readme-example-in-function.mjs";
import { work } from "./work.mjs";

work(example);
