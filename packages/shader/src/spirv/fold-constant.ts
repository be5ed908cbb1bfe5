/** The arithmetic of OpSpecConstantOp on 32-bit words, by the specification. */

type Fold = (a: number, b: number) => number | undefined;

const signed =
  (fold: Fold): Fold =>
  (a, b) =>
    fold(a | 0, b | 0);
const bool =
  (holds: (a: number, b: number) => boolean): Fold =>
  (a, b) =>
    holds(a, b) ? 1 : 0;
const shift =
  (fold: (a: number, b: number) => number): Fold =>
  (a, b) =>
    b < 32 ? fold(a, b) : undefined;
const divided =
  (fold: (a: number, b: number) => number): Fold =>
  (a, b) =>
    b === 0 || (a === -(2 ** 31) && b === -1) ? undefined : fold(a, b);

/**
 * By opcode. Operands and results are unsigned words, booleans are 0 and 1; `undefined` means that SPIR-V does not
 * define the result.
 */
const folds: { readonly [opcode: number]: Fold } = {
  126: (a) => -a,
  128: (a, b) => a + b,
  130: (a, b) => a - b,
  132: (a, b) => Math.imul(a, b),
  134: divided((a, b) => Math.floor(a / b)),
  135: signed(divided((a, b) => Math.trunc(a / b))),
  137: divided((a, b) => a % b),
  138: signed(divided((a, b) => a % b)),
  139: signed(divided((a, b) => a - b * Math.floor(a / b))),
  164: bool((a, b) => a === b),
  165: bool((a, b) => a !== b),
  166: bool((a, b) => a + b > 0),
  167: bool((a, b) => a + b === 2),
  168: bool((a) => a === 0),
  170: bool((a, b) => a === b),
  171: bool((a, b) => a !== b),
  172: bool((a, b) => a > b),
  173: signed(bool((a, b) => a > b)),
  174: bool((a, b) => a >= b),
  175: signed(bool((a, b) => a >= b)),
  176: bool((a, b) => a < b),
  177: signed(bool((a, b) => a < b)),
  178: bool((a, b) => a <= b),
  179: signed(bool((a, b) => a <= b)),
  194: shift((a, b) => a >>> b),
  195: shift((a, b) => a >> b),
  196: shift((a, b) => a << b),
  197: (a, b) => a | b,
  198: (a, b) => a ^ b,
  199: (a, b) => a & b,
  200: (a) => ~a,
};

export function canFold(opcode: number): boolean {
  return opcode in folds;
}

const unary: ReadonlySet<number> = new Set([126, 168, 200]);

/** How many operands the operation takes. */
export function operandCount(opcode: number): number {
  return unary.has(opcode) ? 1 : 2;
}

/** The word of the result; `undefined` if the operation has none, for example a division by zero. */
export function foldConstant(opcode: number, a: number, b: number): number | undefined {
  const result = folds[opcode]?.(a, b);
  return result === undefined ? undefined : result >>> 0;
}
