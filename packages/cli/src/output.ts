/** Where a command writes to: `process.stdout` and `process.stderr`, or what stands for them. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  hasColors?(): boolean;
}
