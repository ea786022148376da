import { execFile } from "node:child_process";
import { once } from "node:events";
import { readFile, realpath } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface LocalRegistry extends AsyncDisposable {
  readonly url: string;
  /** Names of the packages that were fetched; with a scope, that alone. */
  readonly tarballs: ReadonlySet<string>;
}

/**
 * A package registry on loopback, which has what these folders depend on, all the way down, as it is installed here:
 * so `npm install` needs no network, and gets nothing that is not listed.
 *
 * @param directory for the tarballs that it makes
 */
export async function startLocalRegistry(
  folders: readonly string[],
  directory: string,
): Promise<LocalRegistry> {
  const packages = new Map<string, { folder: string; manifest: Manifest }>();
  for (const folder of folders) await addDependencies(folder, packages);
  const tarballs = new Set<string>();
  const server = createServer((request, response) => {
    void (async () => {
      const path = decodeURIComponent(request.url ?? "/").slice(1);
      const name = path.replace(/\.tgz$/, "");
      const found = packages.get(name);
      if (found === undefined) return void response.writeHead(404).end("{}");
      if (path.endsWith(".tgz")) {
        tarballs.add(name.split("/")[0] ?? name);
        return void response.end(await tarballOf(found.folder, directory));
      }
      const { manifest } = found;
      const { port } = server.address() as AddressInfo;
      const dist = { tarball: `http://127.0.0.1:${port}/${encodeURIComponent(name)}.tgz` };
      response.writeHead(200, { "content-type": "application/json" });
      response.end(
        JSON.stringify({
          name,
          "dist-tags": { latest: manifest.version },
          versions: { [manifest.version]: { ...manifest, dist } },
        }),
      );
    })().catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    tarballs,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

async function addDependencies(
  folder: string,
  packages: Map<string, { folder: string; manifest: Manifest }>,
): Promise<void> {
  const { dependencies, optionalDependencies } = await manifestIn(folder);
  for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
    if (packages.has(name)) continue;
    const installed = await folderOf(name, folder);
    // What is optional may be left out: npm then goes on without it.
    if (installed === undefined) continue;
    // A package of this repository comes from the tarball that is installed with it.
    if (installed.includes("node_modules")) {
      packages.set(name, { folder: installed, manifest: await manifestIn(installed) });
    }
    await addDependencies(installed, packages);
  }
}

/** As Node looks for it, whether or not the package exports its manifest. */
async function folderOf(name: string, dependent: string): Promise<string | undefined> {
  const require = createRequire(join(dependent, "package.json"));
  for (const place of require.resolve.paths(name) ?? []) {
    const found = await realpath(join(place, name, "package.json")).catch(() => undefined);
    if (found !== undefined) return dirname(found);
  }
  return undefined;
}

async function manifestIn(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as Manifest;
}

async function tarballOf(folder: string, directory: string): Promise<Buffer> {
  const { name } = await manifestIn(folder);
  const file = join(directory, `${name.replaceAll("/", "+")}.tgz`);
  const paths = ["--transform", "s,^[.],package,", "--exclude", "./node_modules", "-C", folder, "."];
  await promisify(execFile)("tar", ["--create", "--gzip", "--file", file, ...paths]);
  return readFile(file);
}
