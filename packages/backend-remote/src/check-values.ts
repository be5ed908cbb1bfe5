import { ComputeError } from "@kiln-gpu/core";
import { checkOptionNames, describeValue } from "@kiln-gpu/core/backend";

export interface Rule {
  readonly expected: string;
  readonly allows: (given: unknown) => boolean;
}

const isNumber = (given: unknown): given is number => typeof given === "number";

export const count: Rule = {
  expected: "a whole number, 1 or more",
  allows: (given) => Number.isInteger(given) && (given as number) >= 1,
};
export const amount: Rule = { expected: "a number above 0", allows: (given) => isNumber(given) && given > 0 };
export const settings: Rule = {
  expected: "an object",
  allows: (given) => typeof given === "object" && given !== null,
};
export const payloadStore: Rule = {
  expected: 'an object with the functions "put", "get" and "delete"',
  allows: (given) =>
    settings.allows(given) &&
    ["put", "get", "delete"].every((name) => typeof (given as { [name: string]: unknown })[name] === "function"),
};

/** @throws {ComputeError} `invalid-option`, with the first option that is wrong and what it must be. */
export function checkValues(
  subject: string,
  options: object,
  rules: { readonly [name: string]: Rule | undefined },
): void {
  checkOptionNames(subject, options, new Set(Object.keys(rules)));
  for (const [name, rule] of Object.entries(rules)) {
    const given = (options as { readonly [name: string]: unknown })[name];
    if (given === undefined || !rule || rule.allows(given)) continue;
    throw new ComputeError(
      "invalid-option",
      `${subject}: "${name}" must be ${rule.expected}; got ${describeValue(given)}.`,
    );
  }
}
