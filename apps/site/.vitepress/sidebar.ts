import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Item {
  readonly text: string;
  readonly link: string;
}

export interface Group {
  readonly text: string;
  readonly items: Item[];
}

/** The written pages, in reading order. */
const written: readonly { readonly text: string; readonly pages: readonly string[] }[] = [
  {
    text: "Start",
    pages: ["start/install", "start/first-kernel", "start/images", "start/wgsl"],
  },
  {
    text: "Guide",
    pages: [
      "guide/threads",
      "guide/uniforms",
      "guide/arrays",
      "guide/passes",
      "guide/sequences",
      "guide/spirv",
      "guide/types",
      "guide/bundlers",
      "guide/browsers",
      "guide/services",
      "guide/testing",
      "guide/performance",
      "guide/errors",
      "guide/troubleshooting",
    ],
  },
  {
    text: "Recipes",
    pages: ["recipes/convolution", "recipes/k-means", "recipes/mandelbrot", "recipes/n-body", "recipes/monte-carlo"],
  },
  {
    text: "Coming from",
    pages: ["from/webgpu", "from/typegpu", "from/gpu-js", "from/tensorflow"],
  },
  {
    text: "About",
    pages: ["about/report", "about/results", "about/architecture", "about/changelog"],
  },
];

/** The groups of all sidebars. */
export function groupsOf(pages: string): Group[] {
  const groups: Group[] = written.map(({ text, pages: names }) => ({
    text,
    items: names.map((name) => ({ text: titleOf(join(pages, `${name}.md`)), link: `/${name}` })),
  }));
  const folders = [
    { text: "Documents", path: "docs" },
    { text: "Results", path: "docs/results" },
    { text: "Decisions", path: "docs/decisions" },
  ];
  for (const { text, path } of folders) {
    const folder = join(pages, path);
    if (!existsSync(folder)) continue;
    const names = readdirSync(folder)
      .filter((name) => name.endsWith(".md"))
      .sort();
    const items = names.map((name) => ({
      text: titleOf(join(folder, name)),
      link: `/${path}/${name.replace(/\.md$/, "")}`,
    }));
    groups.push({ text, items });
  }
  const api = join(pages, "api");
  if (existsSync(api)) {
    const names = readdirSync(api, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const items = names.map(({ name }) => ({ text: name, link: `/api/${name}/` }));
    groups.push({ text: "API", items: [{ text: "All packages", link: "/api/" }, ...items] });
  }
  return groups;
}

/** What stands beside a page: the guides, the repository's documents, or the API reference. */
export function sidebar(pages: string): Record<string, Group[]> {
  const of = (...names: string[]) => groupsOf(pages).filter(({ text }) => names.includes(text));
  const about = of("About", "Documents", "Results", "Decisions");
  return {
    "/api/": of("API"),
    "/docs/": about,
    "/about/": about,
    "/": of("Start", "Guide", "Recipes", "Coming from"),
  };
}

/** The first heading of a page, without its marks. */
function titleOf(file: string): string {
  return (/^# (.+)$/m.exec(readFileSync(file, "utf8"))?.[1] ?? file).replaceAll("`", "");
}
