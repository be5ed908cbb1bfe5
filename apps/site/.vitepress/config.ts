import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";
import { writeLlmsFiles } from "../scripts/llms-files.mjs";
import { repository } from "../scripts/repository.mjs";
import { groupsOf, sidebar } from "./sidebar.ts";

const site = fileURLToPath(new URL("..", import.meta.url));
/** The folder below which a host serves the site: "/" or, for instance, "/kiln/". */
const base = process.env.KILN_SITE_BASE ?? "/";

/** No other host is ever asked for anything. Inline styles are Shiki's colors and uPlot's positions. */
const policy = [
  "default-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self' blob:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  // A small font lies in the style sheet.
  "font-src 'self' data:",
  "object-src 'none'",
  "base-uri 'none'",
].join("; ");

/** The text of scripts that VitePress writes into each page, by the name of the file that takes their place. */
const scripts = new Map<string, string>();

export default defineConfig({
  title: "Kiln",
  titleTemplate: ":title | Kiln",
  description: "GPU compute for TypeScript that is warm when you need it: WGSL and SPIR-V kernels on WebGPU.",
  base,
  srcDir: "pages",
  outDir: "dist",
  cacheDir: ".cache/vitepress",
  cleanUrls: false,
  lastUpdated: false,
  // The list of pages as a file, which the policy allows, in place of an inline script.
  metaChunk: true,
  head: [
    ["link", { rel: "icon", href: `${base}kiln.svg`, type: "image/svg+xml" }],
    ["meta", { name: "color-scheme", content: "light dark" }],
  ],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
  },
  themeConfig: {
    logo: "/kiln.svg",
    search: { provider: "local", options: { detailedView: true } },
    nav: [
      { text: "Guide", link: "/start/first-kernel", activeMatch: "^/(start|guide|recipes|from)/" },
      { text: "Playground", link: "/play" },
      { text: "Bench", link: "/bench" },
      { text: "API", link: "/api/", activeMatch: "^/api/" },
      { text: "About", link: "/about/report", activeMatch: "^/(about|docs)/" },
    ],
    sidebar: sidebar(join(site, "pages")),
    outline: { level: [2, 3] },
    socialLinks: [{ icon: "github", link: repository }],
    docFooter: { prev: "Before", next: "Next" },
    footer: { message: "MIT licensed. This site sends nothing anywhere and loads nothing from other hosts." },
  },
  vite: {
    resolve: { conditions: ["@kiln-gpu/source"] },
    worker: { format: "es", rollupOptions: { output: { entryFileNames: "assets/[name].[hash].js" } } },
    build: { target: "es2022", chunkSizeWarningLimit: 1500 },
    esbuild: { target: "es2022" },
    // Cross-origin isolated, as the built site is where its host sets these headers.
    server: {
      headers: { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" },
    },
  },
  transformHtml(html) {
    const moved = html.replace(
      /<script( id="[\w-]+")?>([\s\S]+?)<\/script>/g,
      (_, id: string | undefined, text: string) => {
        const name = `assets/inline.${createHash("sha256").update(text).digest("hex").slice(0, 8)}.js`;
        scripts.set(name, text);
        return `<script${id ?? ""} src="${base}${name}"></script>`;
      },
    );
    return moved.replace("<head>", `<head>\n    <meta http-equiv="Content-Security-Policy" content="${policy}">`);
  },
  buildEnd({ outDir }) {
    for (const [name, text] of scripts) {
      mkdirSync(dirname(join(outDir, name)), { recursive: true });
      writeFileSync(join(outDir, name), text);
    }
    writeLlmsFiles({ pages: join(site, "pages"), outDir, groups: groupsOf(join(site, "pages")), base });
  },
});
