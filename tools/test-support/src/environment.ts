import { inject } from "vitest";

declare module "vitest" {
  interface ProvidedContext {
    isLong: boolean;
  }
}

/** Whether the tests run in a browser, which has neither files nor child processes. */
export const isBrowser = globalThis.process === undefined;

/** Whether this is `pnpm test:long`. The configuration reads `KILN_LONG`, because a browser cannot. */
export const isLongRun = inject("isLong");
