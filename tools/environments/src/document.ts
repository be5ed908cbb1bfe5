export interface Row {
  readonly name: string;
  readonly version: string;
  readonly work: string;
  readonly outcome: string;
}

/** The text of docs/environments.md. */
export function documentOf(rows: readonly Row[]): string {
  const table = [
    ["environment", "what is run", "what comes of it"],
    ...rows.map(({ name, version, work, outcome }) => [`${name} ${version}`, work, outcome]),
  ];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((cells) => cells[column]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column]!)).join(" | ")} |\n`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return `${preface}${line(table[0]!)}${rule}${table.slice(1).map(line).join("")}${configuration}`;
}

const preface = `# Environments

\`.ci/run\` packs Kiln's packages, installs them in an empty project for each environment, and does what the table says.
It compares this page with what came of it, so each row was seen with the version that it names. All of it ran on Linux
x64, with SwiftShader as the GPU.

`;

const configuration = `
## What to configure

| environment            | what it needs                                                                                          |
| ---------------------- | ------------------------------------------------------------------------------------------------------ |
| webpack, Vite, Astro   | nothing                                                                                                |
| esbuild, Rollup        | for SPIR-V, the place of \`naga.wasm\`, which they do not deliver: the option \`translatorWasm\`           |
| Parcel                 | \`"@parcel/resolver-default": { "packageExports": true }\` in package.json; no \`await\` outside functions |
| Next.js with Turbopack | \`serverExternalPackages: ["webgpu"]\` in its configuration                                              |
| Next.js with webpack   | nothing                                                                                                |
| Deno                   | [permissions](../packages/webgpu/README.md#deno), most of them only for the software GPU               |

A page gets nothing of the software GPU: bundlers take a stand-in of a few lines for it, by the condition \`browser\`.
[\`checkWebGpu\`](../packages/webgpu/README.md#is-there-webgpu) tells a page why it has no WebGPU; each of the reasons was
seen in Chromium too.
`;
