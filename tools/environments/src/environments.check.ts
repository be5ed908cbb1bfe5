/** Uses Kiln in every environment, and checks that docs/environments.md says what came of it. */
import { afterAll, beforeAll, expect, it } from "vitest";
import { documentOf, type Row } from "./document.js";
import { libraries } from "./libraries.js";
import { obstacles, pages, visitWithout } from "./pages.js";
import { runtimes } from "./runtimes.js";
import { Workshop } from "./workshop.js";

const environments = [...runtimes, ...pages, ...libraries];
const rows: (Row | undefined)[] = [];
let workshop: Workshop;

beforeAll(async () => {
  workshop = await Workshop.open();
});
afterAll(() => workshop?.close());

for (const [place, environment] of environments.entries()) {
  const { name, project, package: dependency, work } = environment;
  it(`${name} (${dependency}): ${work}`, async () => {
    const outcome = await environment.run(workshop);
    rows[place] = { name, version: await workshop.version(project, dependency), work, outcome };
  });
}

it.each(obstacles)("a page $page is told so, and what to do", async (obstacle) => {
  const [told, error, ...more] = await visitWithout(workshop, obstacle);
  expect([told, more]).toEqual([obstacle.state, []]);
  expect(error).toMatch(/^ComputeError: /);
  expect(error).toMatch(obstacle.advice);
  expect(error).not.toMatch(/Vulkan|npm|fallback|Node/);
});

it("docs/environments.md has these results", async () => {
  const done = rows.filter((row) => row !== undefined);
  expect(done).toHaveLength(environments.length);
  await expect(documentOf(done)).toMatchFileSnapshot("../../../docs/environments.md");
});
