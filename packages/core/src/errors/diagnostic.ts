/** What a compiler reports about a shader's text, and how it is shown. */

/** One error, with its place in the compiled text, or in the source that a SPIR-V module names. */
export interface Diagnostic {
  readonly message: string;
  /** The name that a SPIR-V module gives the text. */
  readonly file?: string;
  /** Counted from 1; 0 where the error has no place. */
  readonly line: number;
  /** Counted from 1, in UTF-16 code units; 0 where only the line is known. */
  readonly column: number;
  /** How many UTF-16 code units of the line the error covers; 0 for a place between two. */
  readonly length: number;
  /** The line without its line break; empty where the error has no place or the text is missing. */
  readonly source: string;
}

const mostShown = 5;
const widestMessage = 2000;
/** How much of a line is shown before and after the start of the error: a minified shader is one long line. */
const before = 60;
const after = 60;

// WGSL's line breaks; its compilers count lines by them.
const lineEnd = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/u;
// What a terminal obeys instead of showing, such as escapes and overrides of the writing direction; and lone
// surrogates.
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const noColumns = /^\p{M}$/u;
const twoColumns =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60]$/u;

export function linesOf(text: string): string[] {
  return text.split(lineEnd);
}

/** The place of `offset` in `text`. */
export function diagnosticAt(text: string, offset: number, length: number, message: string): Diagnostic {
  const until = linesOf(text.slice(0, offset));
  const line = until.length;
  return { message, line, column: until[line - 1]!.length + 1, length, source: linesOf(text)[line - 1]! };
}

/**
 * `diagnostics` as lines of text, each with its source line and a caret under the place: the first few, and a count of
 * the rest.
 * @param name The name of the text: a file, or a kernel's label.
 */
export function showDiagnostics(name: string, diagnostics: readonly Diagnostic[]): string {
  const shown = diagnostics.slice(0, mostShown).map((diagnostic) => showDiagnostic(name, diagnostic));
  const rest = diagnostics.length - shown.length;
  return [...shown, ...(rest > 0 ? [`  ... and ${rest} more`] : [])].join("\n");
}

function showDiagnostic(name: string, { message, line, column, length, source }: Diagnostic): string {
  const text = message.length > widestMessage ? `${message.slice(0, widestMessage)}...` : message;
  const indented = text.trim().replace(/\r?\n/gu, "\n  ");
  const place = [name, line, column].slice(0, line === 0 ? 1 : column === 0 ? 2 : 3).join(":");
  if (source === "") return `  ${place}: ${indented}`;
  const at = Math.min(column - 1, source.length);
  const start = at > before + after ? at - before : 0;
  const end = source.length > at + 2 * after ? at + after : source.length;
  const shownLine = `${start > 0 ? "..." : ""}${source.slice(start, end)}${end < source.length ? "..." : ""}`;
  const pad = `${start > 0 ? "..." : ""}${source.slice(start, at)}`;
  const carets = "^".repeat(Math.max(columnsOf(source.slice(at, Math.min(at + length, end))), 1));
  return `  ${place}: ${indented}\n    ${printable(shownLine)}\n    ${blank(pad)}${carets}`;
}

/** Keeps tabs; the line of carets below has the same tabs, so both are equally wide. */
function printable(text: string): string {
  return text.replace(unprintable, (character) => (character === "\t" ? character : "\ufffd"));
}

function blank(text: string): string {
  return [...printable(text)].map((character) => (character === "\t" ? "\t" : " ".repeat(widthOf(character)))).join("");
}

function columnsOf(text: string): number {
  return [...printable(text)].reduce((sum, character) => sum + widthOf(character), 0);
}

function widthOf(character: string): number {
  return noColumns.test(character) ? 0 : twoColumns.test(character) ? 2 : 1;
}
