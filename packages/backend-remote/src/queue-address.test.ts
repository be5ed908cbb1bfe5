import { expect, test } from "vitest";
import { idOfKey, isKeyed, readAddress } from "./queue-address.js";

test("reads the queue from the path, and what else connects", () => {
  expect(readAddress("test", "redis://localhost/kernels")).toEqual({
    queue: "kernels",
    redis: { host: "localhost", port: 6379, db: 0 },
    shown: "redis://localhost/kernels",
  });
  expect(readAddress("test", "rediss://me:p%40ss@[::1]:7000/a-b.c?db=3")).toEqual({
    queue: "a-b.c",
    redis: { host: "::1", port: 7000, db: 3, username: "me", password: "p@ss", tls: {} },
    shown: "rediss://[::1]:7000/a-b.c",
  });
  expect(readAddress("test", "redis://localhost").queue).toBe("kiln");
});

test("lets options win over the URL", () => {
  const { redis } = readAddress("test", "redis://a:b@localhost/kernels", { password: "c", tls: { ca: "x" } });
  expect(redis).toMatchObject({ username: "a", password: "c", tls: { ca: "x" } });
});

test.each([
  ["localhost/kernels", /must be like "redis:\/\/host:6379\/queue".*got "localhost\/kernels"/],
  ["http://localhost/kernels", /must be like/],
  ["redis://localhost/a/b", /letters, digits.*got "a\/b"/],
  ["redis://localhost/a:b", /letters, digits.*got "a:b"/],
  ["redis://localhost/0", /name a database as "\?db=0"/],
  ["redis://localhost/kernels?db=x", /"db" must be the number of a database; got "x"/],
])("refuses %s", (url, message) => {
  expect(() => readAddress("test", url)).toThrow(message);
});

test("gives a key the same id everywhere, and an id that BullMQ takes", () => {
  expect(idOfKey("a: b/c")).toBe("key-a%3A%20b%2Fc");
  expect([idOfKey("x"), "abc-1"].map(isKeyed)).toEqual([true, false]);
});
