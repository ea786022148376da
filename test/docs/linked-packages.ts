import { mkdir, readdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Fills an empty `node_modules` with the client, and with the packages that the repository has installed. */
export async function linkPackages(modules: string): Promise<void> {
  const names = await readdir(join(ROOT, "node_modules"));
  await Promise.all(
    names
      .filter((name) => !name.startsWith(".") && name !== "@vault-proxy")
      .map((name) => symlink(join(ROOT, "node_modules", name), join(modules, name))),
  );
  await mkdir(join(modules, "@vault-proxy"));
  await symlink(join(ROOT, "packages/client"), join(modules, "@vault-proxy/client"));
}
