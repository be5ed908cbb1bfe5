/** The built site in a Chromium on its software GPU, below a path and with the policy of a strict host. */
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasChromium } from "../../../tools/browser/src/unpack-chromium.js";
import { openSite, type Site } from "./site.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** To be looked at. */
const screenshots = fileURLToPath(new URL(".cache/screenshots", import.meta.url));
mkdirSync(screenshots, { recursive: true });

const themes = ["light", "dark"] as const;
const sizes = [
  { width: 1440, height: 900 },
  { width: 360, height: 740 },
] as const;
const views = themes.flatMap((colorScheme) => sizes.map((viewport) => ({ colorScheme, viewport })));

async function shoot(page: Page, name: string): Promise<void> {
  // The bar at the top stays in sight, wherever the page is.
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: join(screenshots, `${name}.png`), fullPage: true });
}

/** What axe calls serious or critical. */
async function seriousFaults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { readonly axe: { run(): Promise<AxeResults> } };
    const { violations } = await axe.run();
    return violations
      .filter(({ impact }) => impact === "serious" || impact === "critical")
      .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 160)}`));
  });
}

const widthOf = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth);

describe.skipIf(!hasChromium())("the site in Chromium", () => {
  let site: Site;
  beforeAll(async () => {
    site = await openSite();
  });
  afterAll(() => site?.[Symbol.asyncDispose]());

  describe.each(views)("$colorScheme, $viewport.width wide", ({ colorScheme, viewport }) => {
    test.each([
      ["front", ""],
      ["guide", "guide/arrays"],
      ["api", "api/"],
      ["bench", "bench"],
      ["playground", "play"],
    ])("%s: nothing serious for axe, nothing too wide, no complaint", async (name, path) => {
      const { page, complaints } = await site.open(path, { colorScheme, viewport });
      if (name === "bench") await page.getByText("software: the CPU computes").waitFor();
      if (name === "playground") await page.getByRole("button", { name: "Run", exact: true }).waitFor();
      await page.evaluate(() => document.fonts.ready);
      await shoot(page, `${name}-${colorScheme}-${viewport.width}`);
      expect(await seriousFaults(page)).toEqual([]);
      expect(await widthOf(page)).toBeLessThanOrEqual(viewport.width);
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    test("the picture of the front page is in the middle of its half, or of a narrow page", async () => {
      const { page } = await site.open("", { colorScheme, viewport });
      const [picture, half] = await page.evaluate(() =>
        [".VPHero .image-src", ".VPHero .image"].map((selector) => {
          const { left, right } = document.querySelector(selector)!.getBoundingClientRect();
          return (left + right) / 2;
        }),
      );
      expect(picture).toBeCloseTo(half!, 0);
      if (viewport.width === 360) expect(picture).toBeCloseTo(viewport.width / 2, 0);
      await page.context().close();
    });

    test("the bench without WebGPU shows a recorded run, and says why", async () => {
      const { page, complaints } = await site.open("bench", { colorScheme, viewport, withoutWebGpu: true });
      await page.getByText("This browser has no WebGPU").waitFor();
      await page.getByText("recorded on one NVIDIA H200").waitFor();
      await page.locator("canvas").first().waitFor();
      await shoot(page, `bench-without-${colorScheme}-${viewport.width}`);
      expect(await seriousFaults(page)).toEqual([]);
      expect(await widthOf(page)).toBeLessThanOrEqual(viewport.width);
      expect(complaints).toEqual([]);
      await page.context().close();
    });

    test("the playground runs its first example and shows the image", async () => {
      const { page, complaints } = await site.open("play", { colorScheme, viewport });
      await page.getByRole("button", { name: "Run", exact: true }).click();
      await page.locator("canvas.image").waitFor();
      const colors = await page.locator("canvas.image").evaluate((canvas: HTMLCanvasElement) => {
        const { data } = canvas.getContext("2d")!.getImageData(0, 0, canvas.width, canvas.height);
        return { width: canvas.width, height: canvas.height, count: new Set(new Uint32Array(data.buffer)).size };
      });
      expect(colors).toMatchObject({ width: 480, height: 320 });
      expect(colors.count).toBeGreaterThan(100);
      await shoot(page, `playground-image-${colorScheme}-${viewport.width}`);
      expect(await seriousFaults(page)).toEqual([]);
      expect(await widthOf(page)).toBeLessThanOrEqual(viewport.width);
      expect(complaints).toEqual([]);
      await page.context().close();
    });
  });

  describe("the bench", () => {
    async function runOne(page: Page): Promise<void> {
      await page.getByText("software: the CPU computes").waitFor();
      for (const name of ["4K", "64K"]) await page.getByRole("checkbox", { name, exact: true }).uncheck();
      await page.getByRole("spinbutton").fill("5");
      await page.getByRole("button", { name: /^Run/ }).click();
    }

    test("runs a suite, tells how far it is, and shows the result, which a link carries", async () => {
      const { page, complaints } = await site.open("bench", { viewport: sizes[0] });
      await runOne(page);
      await page.locator("progress").waitFor();
      await page.locator(".progress-text", { hasText: /^(one-shot|persistent) at 64 elements/ }).waitFor();
      await shoot(page, "bench-during-light-1440");
      await page.getByRole("heading", { name: "Result: One-shot against persistent" }).waitFor();
      await page.getByText(/^At 64 elements a warm call takes/).waitFor();
      await page.locator("canvas").first().waitFor();
      await page.getByText("The same numbers as a table").click();
      expect(await page.locator(".chart table tbody tr").count()).toBe(1);
      await shoot(page, "bench-after-light-1440");
      expect(await seriousFaults(page)).toEqual([]);

      await page.context().grantPermissions(["clipboard-write", "clipboard-read"]);
      await page.getByRole("button", { name: "Copy a link to this result" }).click();
      await page.getByText("The link is copied.").waitFor();
      const { hash } = new URL(page.url());
      expect(hash.length).toBeLessThan(4000);
      expect(complaints).toEqual([]);

      const other = await site.open(`bench${hash}`, { viewport: sizes[0] });
      await other.page.getByText(/^recorded on .*, not run here$/).waitFor();
      await other.page.getByText(/^At 64 elements a warm call takes/).waitFor();
      expect(await other.page.locator("progress").count()).toBe(0);

      // Compared with the recorded run of another machine, in the form that the command writes.
      const recorded = fileURLToPath(new URL("../../../docs/results/2026-11-22-h200.json", import.meta.url));
      await other.page.locator('input[type="file"]').setInputFiles(recorded);
      await other.page.getByText("2026-11-22-h200.json: times as long as above").waitFor();
      expect(other.complaints).toEqual([]);
      await page.context().close();
      await other.page.context().close();
    });

    test("ends a run when it is cancelled, and runs again", async () => {
      const { page } = await site.open("bench");
      await runOne(page);
      await page.locator("progress").waitFor();
      await page.keyboard.press("Escape");
      await page.getByText("The run was cancelled.").waitFor();
      await page.getByRole("button", { name: /^Run/ }).click();
      await page.getByRole("heading", { name: /^Result/ }).waitFor();
      await page.context().close();
    });

    test("does not believe a link", async () => {
      const { page } = await site.open("bench#r=AAAA");
      await page.getByText("This link is damaged").waitFor();
      await page.context().close();
    });
  });

  describe("the playground", () => {
    const openPlay = async (path = "play") => {
      const { page } = await site.open(path, { viewport: sizes[0] });
      await page.getByRole("button", { name: /^Run( this shader)?$/ }).waitFor();
      return page;
    };

    test("reads the fields of another example, and shows what it computes", async () => {
      const page = await openPlay();
      await page.getByLabel("Example").selectOption({ label: "Scale" });
      await page.getByLabel("Elements of x").fill("1, 2, 3.5");
      await page.getByLabel("factor").fill("4");
      await page.getByRole("button", { name: "Run", exact: true }).click();
      await expect.poll(() => page.locator(".cells td").allTextContents()).toEqual(["4", "8", "14"]);
      await page.getByText("The same run in TypeScript").click();
      await page.getByText("x: new Float32Array([1, 2, 3.5]), factor: 4, y: output(Float32Array, 3)").waitFor();
      await page.context().close();
    });

    test("says at its field what is wrong with a value", async () => {
      const page = await openPlay();
      await page.getByLabel("Example").selectOption({ label: "Scale" });
      await page.getByLabel("Elements of x").fill("1, two");
      await page.getByRole("button", { name: "Run", exact: true }).click();
      await page.getByText('got "two"').waitFor();
      await page.context().close();
    });

    test("marks the line that does not compile", async () => {
      const page = await openPlay();
      await page.getByLabel("Example").selectOption({ label: "Scale" });
      await page.locator(".cm-line", { hasText: "factor * x" }).click();
      await page.keyboard.press("End");
      await page.keyboard.type(" oops");
      await page.keyboard.press("Control+Enter");
      await page.locator(".problem").waitFor();
      await page.locator(".cm-lint-marker-error").waitFor();
      await page.context().close();
    });

    test("a shared shader does not run by itself", async () => {
      const page = await openPlay();
      await page.getByLabel("Example").selectOption({ label: "Waves" });
      await page.context().grantPermissions(["clipboard-write", "clipboard-read"]);
      await page.getByRole("button", { name: "Copy link" }).click();
      await page.getByText("The link is copied.").waitFor();
      const shared = await openPlay(`play${new URL(page.url()).hash}`);
      await shared.getByText("It does not run by itself").waitFor();
      expect(await shared.locator(".timings").count()).toBe(0);
      await shared.getByRole("button", { name: "Run this shader" }).click();
      await shared.locator(".timings").waitFor();
      await page.context().close();
      await shared.context().close();
    });

    test("gives up a kernel that does not end", async () => {
      const page = await openPlay();
      await page.getByLabel("Example").selectOption({ label: "Scale" });
      await page.locator(".cm-line", { hasText: "factor * x" }).click();
      await page.keyboard.press("End");
      await page.keyboard.type("\nloop { y[0] += 1; if (y[0] < 0) { break; } }");
      await page.keyboard.press("Control+Enter");
      // Another run might wait for ever here: the devices of a software GPU share its threads, and one is not given back.
      await page.getByText("The kernel did not end in 2 s").waitFor();
      await page.context().close();
    });

    test("shows the WGSL of a SPIR-V file", async () => {
      const page = await openPlay();
      const spirv = fileURLToPath(new URL("fixtures/scale.spv", import.meta.url));
      await page.locator('.play-head input[type="file"]').setInputFiles(spirv);
      await page.getByText("This is what naga made of scale.spv.").waitFor();
      await page.getByLabel(/^factor/).waitFor();
      await page.context().close();
    });
  });
});
