/** What was looked at. A `note` is worth knowing and stops nothing; what is `missing` is needed. */
export interface Finding {
  readonly status: "ok" | "note" | "missing";
  readonly name: string;
  readonly found: string;
  /** What to do. */
  readonly advice?: string;
}
