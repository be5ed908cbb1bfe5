/** Whether the tests run in a browser, which has neither files nor child processes. */
export const isBrowser = globalThis.process === undefined;

/** Whether `pnpm test:long` is what runs; a browser knows nothing of it. */
export const isLongRun = !isBrowser && process.env.KILN_LONG === "1";
