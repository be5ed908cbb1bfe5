export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Bytes come back as bytes. Other values come back as JSON gives them: `NaN` and the infinities as `null`. */
export type StoredValue = JsonValue | Uint8Array;
