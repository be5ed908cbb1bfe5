import { isBrowser } from "./environment.js";

/**
 * Collects the reasons of unhandled rejections, in Node and in browsers.
 * @returns A function that stops collecting and resolves with the reasons.
 */
export function collectUnhandledRejections(): () => Promise<unknown[]> {
  const reasons: unknown[] = [];
  const inNode = (reason: unknown) => reasons.push(reason);
  const inBrowser = ({ reason }: { readonly reason: unknown }) => reasons.push(reason);
  if (!isBrowser) process.on("unhandledRejection", inNode);
  else addEventListener("unhandledrejection", inBrowser);
  return async () => {
    // Unhandled rejections are reported at the end of a turn of the event loop.
    for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setTimeout(resolve, 0));
    if (!isBrowser) process.off("unhandledRejection", inNode);
    else removeEventListener("unhandledrejection", inBrowser);
    return reasons;
  };
}
