/** What a compiler says of a shader's text, and how it is shown to people. */

/** One error, with its place in the text that was compiled, or in the one that a SPIR-V module says it was compiled from. */
export interface Diagnostic {
  readonly message: string;
  /** What a SPIR-V module calls the text. */
  readonly file?: string;
  /** Counted from 1; 0 where the error has no place. */
  readonly line: number;
  /** Counted from 1, in UTF-16 code units; 0 where the line alone is known. */
  readonly column: number;
  /** How much of the line the error is about, in UTF-16 code units; 0 for a place between two. */
  readonly length: number;
  /** The line, without its end; empty where the error has no place, or the text is not there. */
  readonly source: string;
}

const mostShown = 5;
const widestMessage = 2000;
/** How much of a line is shown before and after its error's begin: a minified shader is one long line. */
const before = 60;
const after = 60;

// Those of WGSL, which are those that its compilers count by.
const lineEnd = /\r\n|[\n\v\f\r\u0085\u2028\u2029]/u;
// What a terminal would obey rather than show, as escapes and overrides of the writing direction; and halves of characters.
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
 * `diagnostics` as lines of text, each with its source line and a caret under the place: the first few, and a count of the rest.
 * @param name What the text is called: a file, or a kernel's label.
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

/** Tabs stay, so that the line below, which has the same, is as wide. */
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
