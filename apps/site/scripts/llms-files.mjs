/** `llms.txt` lists the pages for language models (llmstxt.org); `llms-full.txt` has the text of all of them. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export function writeLlmsFiles({ pages, outDir, groups, base }) {
  const read = (link) => readFileSync(join(pages, link.endsWith("/") ? `${link}index.md` : `${link}.md`), "utf8");
  const description =
    "GPU compute for TypeScript on WebGPU. Kernels are WGSL or SPIR-V; Node and browsers run them alike.";
  const index = [
    "# Kiln",
    `> ${description}`,
    ...groups.map(({ text, items }) => {
      const lines = items.map((item) => `- [${item.text}](${base}${item.link.slice(1).replace(/\/$/, "/index")}.html)`);
      return [`## ${text}`, ...lines].join("\n");
    }),
  ];
  writeFileSync(join(outDir, "llms.txt"), `${index.join("\n\n")}\n`);
  const guides = groups.filter(({ text }) => text !== "API" && text !== "Results" && text !== "Decisions");
  const texts = guides.flatMap(({ items }) => items.map(({ link }) => withoutFrontMatter(read(link)).trim()));
  writeFileSync(join(outDir, "llms-full.txt"), `${texts.join("\n\n---\n\n")}\n`);
}

function withoutFrontMatter(text) {
  return text.replace(/^---\n[\s\S]*?\n---\n/, "").replace(/<script setup[\s\S]*?<\/script>\n?/, "");
}
