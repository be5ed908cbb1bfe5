import { expect, it } from "vitest";
import { DatabaseWorld } from "./database-world.test-support.js";
import { openStore } from "./open-store.js";
import { storeSuite } from "./store-suite.test-support.js";

storeSuite("a browser's IndexedDB", () => new DatabaseWorld());

it("keeps what a page's store wrote for the next opening", async () => {
  const key = `${performance.now()}`;
  await openStore().write("test", key, [1, 2]);
  const store = openStore();
  expect(await store.read("test", key)).toEqual([1, 2]);
  expect(store.stats()).toMatchObject({ hits: 1, failures: 0 });
});
