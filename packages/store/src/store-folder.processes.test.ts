import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openStore } from "./open-store.js";
import { runWithStore, temporaryFolder } from "./store.test-support.js";

const processes = ["ada", "ben", "cleo"];

describe("a store that processes share", () => {
  it("gives each process whole entries of the right key, whichever process wrote them", async () => {
    const directory = join(temporaryFolder(), "store");
    const code = (name: string) => `
      let wrong = 0;
      let shared = 0;
      for (let round = 0; round < 60; round++) {
        const key = "shared " + (round % 5);
        // Many lengths, so that parts of two values could not pass for one.
        await store.write("n", key, { key, writer: "${name}", filling: "${name}".repeat(round * 97 % 1000) });
        await store.write("n", "${name} " + round, round);
        for (let i = 0; i < 5; i++) {
          const value = await store.read("n", "shared " + i);
          if (value === undefined) continue;
          if (value.key !== "shared " + i || value.filling.replaceAll(value.writer, "") !== "") wrong++;
          if (value.writer !== "${name}") shared++;
        }
      }
      report({ wrong, shared });
    `;
    const ends = await Promise.all(
      processes.map((name) => runWithStore(code(name), { environment: { KILN_STORE_DIRECTORY: directory } })),
    );
    for (const { stats, reported } of ends) {
      expect(stats).toMatchObject({ writes: 120, failures: 0, evicted: 0 });
      expect(reported).toMatchObject({ wrong: 0 });
    }
    // Otherwise no process has read what another one wrote, and the test has shown nothing.
    expect(ends.some(({ reported }) => (reported as { shared: number }).shared > 0)).toBe(true);
    const store = openStore({ directory });
    for (const name of processes) {
      for (let round = 0; round < 60; round++) expect(await store.read("n", `${name} ${round}`)).toBe(round);
    }
    expect(readdirSync(directory)).toHaveLength(5 + 60 * processes.length);
  });

  it("keeps its bound while all of them make room", async () => {
    const directory = join(temporaryFolder(), "store");
    const maxBytes = 256 * 1024;
    const code = (name: string) => `
      const small = openStore({ maxBytes: ${maxBytes} });
      let wrong = 0;
      for (let i = 0; i < 150; i++) {
        await small.write("n", "${name} " + i, i);
        const value = await small.read("n", "${name} " + Math.floor(i / 2));
        if (value !== undefined && value !== Math.floor(i / 2)) wrong++;
      }
      report({ wrong, ...small.stats() });
    `;
    const ends = await Promise.all(
      processes.map((name) => runWithStore(code(name), { environment: { KILN_STORE_DIRECTORY: directory } })),
    );
    for (const { reported } of ends) expect(reported).toMatchObject({ wrong: 0, writes: 150, failures: 0 });
    const left = readdirSync(directory).length;
    expect(left * 4096).toBeLessThanOrEqual(maxBytes);
    const evicted = ends.reduce((sum, { reported }) => sum + (reported as { evicted: number }).evicted, 0);
    expect(evicted + left).toBe(150 * processes.length);
  });
});
