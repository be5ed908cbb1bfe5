import { roleOf } from "./binding-role.js";

/** Longer texts are cut. */
const maxQuoted = 40;

/** `value`, whatever it is, in a few words for an error. */
export function describeValue(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (typeof value === "bigint") return `${shortened(String(value))}n`;
  if (typeof value === "function") return `the function ${shortened(String(value.name)) || "without a name"}`;
  if (typeof value !== "object" || value === null) return shortened(String(value));
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (ArrayBuffer.isView(value)) return withArticle(value.constructor.name);
  const tag = tagOf(value);
  if (tag === "Promise") return "a promise";
  if (isBuffer(tag)) return withArticle(tag);
  const role = roleOf(value);
  const { label } = value as { readonly label?: unknown };
  if (role === "staged") return "staged memory";
  if (role === "bytes") return "bytes";
  if (role === "lease" || role === "temporary") return `a ${role}`;
  if (role === "resident")
    return typeof label === "string" ? `the resident array ${quoted(label)}` : "a resident array";
  if (role === "reference") return "the reference of a parameter";
  return role === "output" || role === "inout" ? `an ${role}` : "an object";
}

/**
 * A sentence that says what to give instead of `value` where a typed array is expected, with a space before it; empty if
 * there is nothing to advise.
 * @param type The array that is expected.
 */
export function adviseArray(value: unknown, type = "Float32Array"): string {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return "";
  if (Array.isArray(value)) return ` Give it as new ${type}([...]).`;
  const tag = tagOf(value);
  if (tag === "Promise") return " An `await` is probably missing.";
  return isBuffer(tag) ? ` Give a view of it: new ${type}(buffer).` : "";
}

/** The kind of an object, in whichever realm it was made. */
function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice("[object ".length, -1);
}

function isBuffer(tag: string): boolean {
  return tag === "ArrayBuffer" || tag === "SharedArrayBuffer";
}

/** "a Uint8Array", "an Int8Array": by sound, as far as the names of array types need it. */
export function withArticle(name: string): string {
  return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
}

/** The first few of `values`, each in the words of `describeValue`. */
export function describeEach(values: readonly unknown[]): string {
  const shown = values.slice(0, 4).map(describeValue);
  return `[${[...shown, ...(values.length > 4 ? ["…"] : [])].join(", ")}]`;
}

function quoted(text: string): string {
  if (text.length <= maxQuoted) return JSON.stringify(text);
  return `${JSON.stringify(`${text.slice(0, maxQuoted)}…`)} (a string of ${text.length} characters)`;
}

function shortened(text: string): string {
  return text.length <= maxQuoted ? text : `${text.slice(0, maxQuoted)}…`;
}
