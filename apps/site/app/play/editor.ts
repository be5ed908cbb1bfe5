/** The editor of the playground: CodeMirror with the words of WGSL. */
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentUnit, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, type Diagnostic as Mark, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import type { Diagnostic } from "@kiln-gpu/core";
import { tags } from "@lezer/highlight";

const keywords = new Set(
  (
    "alias break case const const_assert continue continuing default diagnostic discard else enable false fn for if let " +
    "loop override requires return struct switch true var while"
  ).split(" "),
);
const types =
  /^(array|atomic|bool|f16|f32|i32|u32|ptr|vec[234]([fihu])?|mat[234]x[234][fh]?|uniform|storage|workgroup|private|function|read|read_write|write)$/;

const wgsl = StreamLanguage.define<{ depth: number }>({
  name: "wgsl",
  startState: () => ({ depth: 0 }),
  token(stream, state) {
    if (state.depth > 0 || stream.match("/*")) {
      if (state.depth === 0) state.depth = 1;
      while (state.depth > 0 && !stream.eol()) {
        if (stream.match("/*")) state.depth += 1;
        else if (stream.match("*/")) state.depth -= 1;
        else stream.next();
      }
      return "comment";
    }
    if (stream.eatSpace()) return null;
    if (stream.match("//")) {
      stream.skipToEnd();
      return "comment";
    }
    if (stream.match(/^@[a-z_]+/)) return "meta";
    if (stream.match(/^(0[xX][\da-fA-F.]+([pP][+-]?\d+)?|\d*\.?\d+([eE][+-]?\d+)?\.?)[iufh]?/)) return "number";
    const word = stream.match(/^[A-Za-z_]\w*/) as RegExpMatchArray | null;
    if (!word) {
      stream.next();
      return "operator";
    }
    if (keywords.has(word[0])) return "keyword";
    if (types.test(word[0])) return "typeName";
    return stream.peek() === "(" ? "function" : "variableName";
  },
  languageData: { commentTokens: { line: "//", block: { open: "/*", close: "*/" } } },
  tokenTable: { function: tags.function(tags.variableName) },
});

const colors = HighlightStyle.define([
  { tag: tags.comment, color: "var(--code-comment)" },
  { tag: tags.keyword, color: "var(--code-keyword)" },
  { tag: tags.typeName, color: "var(--code-type)" },
  { tag: tags.number, color: "var(--code-number)" },
  { tag: tags.meta, color: "var(--code-meta)" },
  { tag: tags.function(tags.variableName), color: "var(--code-function)" },
]);

const look = EditorView.theme({
  "&": { fontSize: "13.5px", backgroundColor: "var(--vp-code-block-bg)", height: "100%" },
  ".cm-content": { fontFamily: "var(--vp-font-family-mono)", caretColor: "var(--vp-c-text-1)", padding: "12px 0" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--vp-c-text-2)", border: "none" },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--vp-c-text-1) 5%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--vp-c-text-1)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--vp-c-brand-2) 30%, transparent)",
  },
  ".cm-tooltip": { backgroundColor: "var(--vp-c-bg-elv)", border: "1px solid var(--vp-c-divider)" },
});

export interface Editor {
  setText(text: string): void;
  showDiagnostics(diagnostics: readonly Diagnostic[]): void;
  destroy(): void;
}

export interface EditorOptions {
  readonly text: string;
  onChange(text: string): void;
  onRun(): void;
}

export function openEditor(parent: HTMLElement, { text, onChange, onRun }: EditorOptions): Editor {
  const runKey = {
    key: "Mod-Enter",
    run: () => {
      onRun();
      return true;
    },
  };
  // Tab indents; Escape gives it back for leaving the editor, once.
  const leaveKey = {
    key: "Escape",
    run: (view: EditorView) => {
      view.contentDOM.blur();
      return true;
    },
  };
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(),
        lintGutter(),
        history(),
        drawSelection(),
        bracketMatching(),
        highlightActiveLine(),
        indentUnit.of("  "),
        wgsl,
        syntaxHighlighting(colors),
        look,
        keymap.of([runKey, leaveKey, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({
          "aria-label": "Shader in WGSL. Control and Enter runs it. Escape, then Tab, leaves the editor.",
          spellcheck: "false",
          tabindex: "0",
        }),
        EditorView.updateListener.of(({ docChanged, state }) => {
          if (docChanged) onChange(state.doc.toString());
        }),
      ],
    }),
  });
  return {
    setText(next) {
      if (next === view.state.doc.toString()) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } });
    },
    showDiagnostics(diagnostics) {
      const { doc } = view.state;
      const marks: Mark[] = diagnostics.map(({ line, column, length, message }) => {
        const place = doc.line(Math.min(Math.max(line, 1), doc.lines));
        const from = Math.min(place.from + Math.max(column - 1, 0), place.to);
        return { from, to: Math.min(from + Math.max(length, 1), doc.length), severity: "error", message };
      });
      view.dispatch(setDiagnostics(view.state, marks));
    },
    destroy: () => view.destroy(),
  };
}
