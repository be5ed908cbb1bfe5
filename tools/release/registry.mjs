/**
 * A registry on this machine that has Kiln's tarballs, and passes every other question on to npm's. It answers each
 * question of that kind once.
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http, { createServer } from "node:http";
import https from "node:https";

/** Before any age that a package manager wants a version to have. */
const published = "2020-01-01T00:00:00.000Z";

/**
 * @param packed The name, the manifest and the path of the tarball of each package.
 * @param upstream The registry that has all other packages.
 * @param ca The certificates that its own may be signed with; by default those of Node.
 * @returns Its address and a function that ends it.
 */
export async function serveRegistry(packed, upstream, ca) {
  const documents = new Map();
  const tarballs = new Map();
  const passedOn = new Map();
  let origin;

  const answer = async ({ url, headers }) => {
    const path = decodeURIComponent(url.split("?")[0]).slice(1);
    if (documents.has(path)) return { type: "application/json", body: JSON.stringify(documents.get(path)) };
    if (tarballs.has(path)) return { type: "application/octet-stream", body: tarballs.get(path) };
    const key = `${url} ${headers.accept}`;
    if (!passedOn.has(key)) passedOn.set(key, ask(url, headers.accept));
    return await passedOn.get(key);
  };
  const ask = async (url, accept) => {
    const place = new URL(url.slice(1), upstream);
    const { get } = place.protocol === "http:" ? http : https;
    const [response] = await once(get(place, { ca, headers: accept ? { accept } : {} }), "response");
    const type = response.headers["content-type"] ?? "application/octet-stream";
    const bytes = Buffer.concat(await response.toArray());
    const body = type.includes("json") ? bytes.toString().replaceAll(upstream, `${origin}/`) : bytes;
    return { status: response.statusCode, type, body };
  };

  const server = createServer((request, response) => {
    answer(request).then(
      ({ status = 200, type, body }) => response.writeHead(status, { "content-type": type }).end(body),
      (error) => response.writeHead(502).end(String(error)),
    );
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  origin = `http://127.0.0.1:${server.address().port}`;

  for (const { name, manifest, tarball } of packed) {
    const bytes = await readFile(tarball);
    const path = `${name}/-/${manifest.version}.tgz`;
    tarballs.set(path, bytes);
    const dist = {
      tarball: `${origin}/${path}`,
      shasum: createHash("sha1").update(bytes).digest("hex"),
      integrity: `sha512-${createHash("sha512").update(bytes).digest("base64")}`,
    };
    documents.set(name, {
      name,
      "dist-tags": { latest: manifest.version },
      time: { created: published, modified: published, [manifest.version]: published },
      versions: { [manifest.version]: { ...manifest, _id: `${name}@${manifest.version}`, dist } },
    });
  }
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { origin, close };
}
