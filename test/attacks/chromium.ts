import { accessSync, constants } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const EXECUTABLE = "/usr/bin/chromium";

/**
 * Starts Debian's Chromium without a window. It resolves no name but those given and `localhost`, so that nothing of it
 * leaves the machine.
 *
 * @param names names and the loopback addresses they lead to
 * @throws Error if it is not installed: a run without it would look like proof
 */
export async function startChromium(names: Readonly<Record<string, string>>): Promise<Browser> {
  try {
    accessSync(EXECUTABLE, constants.X_OK);
  } catch {
    throw new Error(`${EXECUTABLE} is missing: these tests need the Debian package chromium`);
  }
  const rules = [
    ...Object.entries(names).map(([name, address]) => `MAP ${name} ${address}`),
    ...["MAP *.localhost 127.0.0.1", "MAP * ~NOTFOUND", "EXCLUDE localhost", "EXCLUDE 127.0.0.*"],
  ];
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      `--host-resolver-rules=${rules.join(", ")}`,
      "--disable-popup-blocking",
      // Root has no sandbox, and a container's /dev/shm is small.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-dev-shm-usage",
    ],
  });
}
