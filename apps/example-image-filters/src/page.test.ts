import { fileURLToPath } from "node:url";
import { hasChromium, launchOptions, sandboxFlag, webGpuFlags } from "@kiln-gpu/browser";
import { type Browser, chromium, type Page } from "playwright";
import { build, type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const cache = fileURLToPath(new URL("../../../.cache", import.meta.url));

describe.runIf(hasChromium())("the page in a Chromium", () => {
  let server: PreviewServer;
  let browser: Browser;
  beforeAll(async () => {
    const outDir = `${cache}/example-image-filters`;
    const options = { root, base: "./", logLevel: "warn", build: { outDir, emptyOutDir: true } } as const;
    await build({ ...options, resolve: { conditions: ["@kiln-gpu/source", "module", "browser"] } });
    server = await preview({ ...options, preview: { port: 0 } });
    browser = await chromium.launch(await launchOptions(cache, [sandboxFlag, ...webGpuFlags]));
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  async function open(prepare?: (page: Page) => Promise<unknown>): Promise<{ page: Page; complaints: string[] }> {
    const page = await browser.newPage({ locale: "en-GB" });
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error)));
    await prepare?.(page);
    await page.goto(server.resolvedUrls!.local[0]!);
    return { page, complaints };
  }

  const set = (page: Page, name: string, value: string) =>
    page.locator(`[name=${name}]`).evaluate((input: HTMLInputElement, value) => {
      input.value = value;
      input.dispatchEvent(new Event("input", { bubbles: true }));
    }, value);
  /** The color of the pixel in the middle. */
  const colorOf = (page: Page) =>
    page.locator("canvas").evaluate((canvas: HTMLCanvasElement) => {
      const middle = canvas.getContext("2d")!.getImageData(canvas.width / 2, canvas.height / 2, 1, 1);
      return [...middle.data];
    });
  const expectColor = (page: Page, color: readonly number[]) => expect.poll(() => colorOf(page)).toEqual(color);
  /** A picture of one color, as a file. */
  const fileOf = (page: Page, color: string) =>
    page.evaluate(async (color) => {
      const canvas = new OffscreenCanvas(50, 30);
      const context = canvas.getContext("2d")!;
      context.fillStyle = color;
      context.fillRect(0, 0, 50, 30);
      return [...new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer())];
    }, color);

  test("filters its first picture, and follows its sliders", async () => {
    const { page, complaints } = await open();
    await expect.poll(() => page.locator("output").textContent()).toMatch(/^640 × 400 pixels in [\d.]+ ms on /);
    const original = await colorOf(page);
    await set(page, "brightness", "-0.5");
    await expect.poll(() => colorOf(page)).not.toEqual(original);
    await page.getByRole("button", { name: "Reset" }).click();
    await expectColor(page, original);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("filters a picture from a file", async () => {
    const { page, complaints } = await open();
    const buffer = Buffer.from(await fileOf(page, "rgb(100 150 200)"));
    await page.locator("[name=picture]").setInputFiles({ name: "blue.png", mimeType: "image/png", buffer });
    await expect.poll(() => page.locator("output").textContent()).toMatch(/^50 × 30 pixels/);
    await expectColor(page, [100, 150, 200, 255]);
    await set(page, "saturation", "0");
    await expectColor(page, [143, 143, 143, 255]);
    await set(page, "edges", "1");
    await expectColor(page, [0, 0, 0, 255]);
    expect(complaints).toEqual([]);
    await page.close();
  });

  test("says what is wrong with a file that is no picture, and with a browser without WebGPU", async () => {
    const { page } = await open();
    const buffer = Buffer.from("no picture");
    await page.locator("[name=picture]").setInputFiles({ name: "a.png", mimeType: "image/png", buffer });
    await expect.poll(() => page.getByRole("alert").textContent()).toContain("could not be decoded");
    await page.close();

    const { page: without } = await open((page) =>
      page.addInitScript(() => Object.defineProperty(Navigator.prototype, "gpu", { value: undefined })),
    );
    await expect.poll(() => without.getByRole("alert").textContent()).toContain("WebGPU");
    await without.close();
  });
});
