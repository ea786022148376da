import { expect, test } from "vitest";

import { hasBrowser, openBrowser } from "./browser.js";

test.each<[NodeJS.Platform, Record<string, string>, boolean]>([
  ["linux", {}, false],
  ["linux", { DISPLAY: "" }, false],
  ["linux", { DISPLAY: ":0" }, true],
  ["linux", { WAYLAND_DISPLAY: "wayland-0" }, true],
  ["linux", { WSL_DISTRO_NAME: "Debian" }, true],
  ["linux", { BROWSER: "firefox" }, true],
  ["linux", { DISPLAY: ":0", CI: "true" }, false],
  ["freebsd", { DISPLAY: ":0" }, true],
  ["darwin", {}, true],
  ["darwin", { SSH_CONNECTION: "192.0.2.1 1 192.0.2.2 22" }, false],
  ["win32", {}, true],
  ["win32", { CI: "1" }, false],
])("on %s with %j there is a browser: %s", (platform, env, expected) => {
  expect(hasBrowser(env, platform)).toBe(expected);
});

test.each(["file:///etc/passwd", "javascript:alert(1)", "--help", "vscode://x", ""])(
  "%j is not handed to the desktop",
  async (address) => {
    expect(await openBrowser(address)).toBe(false);
  },
);
