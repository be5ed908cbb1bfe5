import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { launchOptions, sandboxFlag, webGpuFlags } from "@kiln-gpu/browser";
import { chromium, type JSHandle } from "playwright";

const cache = fileURLToPath(new URL("../../../.cache", import.meta.url));
/** The last thing that each page tells the console. */
const end = "end";

export interface Visit {
  /** What the page tells the console, up to the last word; a typed array as its elements. */
  readonly told: readonly string[];
  /** Errors that the page does not catch, and files that are missing. */
  readonly problems: readonly string[];
}

export interface VisitOptions {
  /** The built site, served at the URL without a server. Otherwise a server answers. */
  readonly folder?: string;
  readonly flags?: readonly string[];
  /** Run in the page before anything of its own. */
  readonly script?: string;
}

/** Opens a page in a Chromium of its own, and waits until it tells that it has ended. */
export async function visit(url: string, { folder, flags = webGpuFlags, script }: VisitOptions = {}): Promise<Visit> {
  const browser = await chromium.launch(await launchOptions(cache, [sandboxFlag, ...flags]));
  try {
    const page = await browser.newPage();
    if (script !== undefined) await page.addInitScript(script);
    const told: Promise<string>[] = [];
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(String(error)));
    page.on("response", (response) => {
      if (!response.ok()) problems.push(`${response.url()}: ${response.status()}`);
    });
    const ended = page.waitForEvent("console", { predicate: (message) => message.text() === end, timeout: 60_000 });
    page.on("console", (message) => {
      if (message.type() === "log") told.push(textOf(message.args()[0]!, message.text()));
      if (message.type() === "error") problems.push(message.text());
    });
    if (folder) {
      await page.route("**/*", (route) => {
        const { pathname } = new URL(route.request().url());
        const path = join(folder, pathname.endsWith("/") ? `${pathname}index.html` : pathname);
        if (pathname === "/favicon.ico") return route.fulfill({ status: 204 });
        return existsSync(path) ? route.fulfill({ path }) : route.fulfill({ status: 404 });
      });
    }
    await page.goto(url);
    await ended.catch((cause: unknown) => {
      throw new Error(`The page does not end: ${problems.join("; ")}`, { cause });
    });
    const words = await Promise.all(told);
    return { told: words.filter((word) => word !== end), problems };
  } finally {
    await browser.close();
  }
}

async function textOf(value: JSHandle, text: string): Promise<string> {
  const elements = await value.evaluate((given: unknown) => (ArrayBuffer.isView(given) ? String(given) : undefined));
  return elements ?? text;
}
