/** A line of a table, by the names of its columns. The first row has all of them, in order. */
export type Row = Readonly<Record<string, string | number>>;

/** A part of a report: a table with its title, or text. */
export type Section = { readonly title: string; readonly rows: readonly Row[] } | { readonly text: string };
