import type { BrowserCommand } from "vitest/node";

/**
 * Ends Chromium's GPU process as a driver that faults would end it. For tests, through `commands` of "vitest/browser".
 */
export const crashGpuProcess: BrowserCommand<[]> = async ({ context }) => {
  const session = await context.browser()!.newBrowserCDPSession();
  // It answers never, or with an error, for the process that would answer is gone.
  void session.send("Browser.crashGpuProcess").catch(() => undefined);
};
