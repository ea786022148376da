import { accessSync, constants } from "node:fs";
import { chromium, type Browser } from "playwright-core";

/**
 * The engine alone, which takes a quarter of the time for each page, and the whole browser, for what pages may have it do by
 * itself: prefetch, report, render ahead.
 */
const EXECUTABLES = { engine: "/usr/bin/chromium-headless-shell", whole: "/usr/bin/chromium" };

/**
 * Starts Debian's Chromium without a window. It resolves no name but those given and `localhost`, so that nothing of it
 * leaves the machine.
 *
 * @param names names and the loopback addresses they lead to
 * @throws Error if it is not installed: a run without it would look like proof
 */
export async function startChromium(
  names: Readonly<Record<string, string>>,
  form: keyof typeof EXECUTABLES = "engine",
): Promise<Browser> {
  const executablePath = EXECUTABLES[form];
  try {
    accessSync(executablePath, constants.X_OK);
  } catch {
    throw new Error(`${executablePath} is missing: these tests need the Debian package of that name`);
  }
  const rules = [
    ...Object.entries(names).map(([name, address]) => `MAP ${name} ${address}`),
    ...["MAP *.localhost 127.0.0.1", "MAP * ~NOTFOUND", "EXCLUDE localhost", "EXCLUDE 127.0.0.*"],
  ];
  return chromium.launch({
    executablePath,
    args: [
      `--host-resolver-rules=${rules.join(", ")}`,
      "--disable-popup-blocking",
      // Root has no sandbox, and a container's /dev/shm is small.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--disable-dev-shm-usage",
    ],
  });
}
