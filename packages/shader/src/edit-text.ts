export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** `text` with each range replaced; where an insertion and a replacement begin at one place, the insertion comes first. */
export function applyEdits(text: string, edits: readonly Edit[]): string {
  let result = text;
  for (const { start, end, text: replacement } of [...edits].sort((a, b) => b.start - a.start || b.end - a.end)) {
    result = result.slice(0, start) + replacement + result.slice(end);
  }
  return result;
}
