import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    isLong: boolean;
  }
}

/** Whether the tests run in a browser, which has neither files nor child processes. */
export const isBrowser = globalThis.process === undefined;

/** Whether `pnpm test:long` is what runs: `KILN_LONG=1`, which a browser cannot read. */
export const isLongRun = inject("isLong");
