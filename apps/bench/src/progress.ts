import ora from "ora";

/** Shows the current step: a spinner on a terminal, a plain line for each step elsewhere. */
export interface Progress {
  step(text: string): void;
  end(): void;
}

export function openProgress(): Progress {
  if (!process.stderr.isTTY) {
    return { step: (text) => process.stderr.write(`${text}\n`), end() {} };
  }
  const spinner = ora({ stream: process.stderr });
  return {
    step: (text) => spinner.start(text),
    end: () => spinner.stop(),
  };
}
