/** The built site on a server of its own, in a Chromium on its software GPU. */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, BrowserContextOptions, Page } from "playwright";
import { chromium } from "playwright";
import { launchOptions, sandboxFlag, webGpuFlags } from "../../../tools/browser/src/launch-options.js";

const dist = fileURLToPath(new URL("../dist", import.meta.url));
const cache = fileURLToPath(new URL("../../../.cache", import.meta.url));
/** Below which path a host serves the site; the build must have been told the same. */
export const base = process.env.KILN_SITE_BASE ?? "/";

/** What a strict host sends. */
const headers = {
  "Content-Security-Policy": "script-src 'self' 'wasm-unsafe-eval'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".wasm": "application/wasm",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};

export interface Site extends AsyncDisposable {
  readonly origin: string;
  readonly browser: Browser;
  /** Opens `path` in a context of its own, and notes what its console says and what it asks other hosts for. */
  open(path: string, options?: BrowserContextOptions & { readonly withoutWebGpu?: boolean }): Promise<OpenPage>;
}

export interface OpenPage {
  readonly page: Page;
  readonly complaints: readonly string[];
}

export async function openSite(): Promise<Site> {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url!, "http://localhost");
    const path = pathname.startsWith(base) ? pathname.slice(base.length) : "";
    const file = normalize(
      join(dist, /(^|\/)$/.test(path) ? `${path}index.html` : extname(path) === "" ? `${path}.html` : path),
    );
    try {
      const content = await readFile(file.startsWith(dist) && pathname.startsWith(base) ? file : "");
      response.writeHead(200, { ...headers, "Content-Type": types[extname(file)] ?? "application/octet-stream" });
      response.end(content);
    } catch {
      response.writeHead(404, headers).end("Not found");
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as { readonly port: number };
  const origin = `http://localhost:${port}`;
  const browser = await chromium.launch(await launchOptions(cache, [sandboxFlag, ...webGpuFlags]));
  return {
    origin,
    browser,
    async open(path, { withoutWebGpu = false, ...options } = {}) {
      // The locale of this Chromium is no language tag otherwise.
      const context = await browser.newContext({ locale: "en-GB", ...options });
      if (withoutWebGpu) {
        await context.addInitScript(() => Object.defineProperty(Navigator.prototype, "gpu", { value: undefined }));
      }
      const page = await context.newPage();
      const complaints: string[] = [];
      page.on("console", (message) => {
        if (message.type() === "error" || /Content Security Policy/.test(message.text()))
          complaints.push(message.text());
      });
      page.on("pageerror", (error) => complaints.push(String(error)));
      page.on("request", (request) => {
        if (!/^(data|blob):/.test(request.url()) && !request.url().startsWith(origin)) complaints.push(request.url());
      });
      await page.goto(`${origin}${base}${path}`);
      return { page, complaints };
    },
    async [Symbol.asyncDispose]() {
      await browser.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
