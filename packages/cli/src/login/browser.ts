import type { Environment } from "../output.js";

/** Whether there is a browser that the person who types sees. */
export function hasBrowser(env: Environment, platform: NodeJS.Platform): boolean {
  const isSet = (name: string): boolean => (env[name] ?? "") !== "";
  if (isSet("CI")) return false;
  if (isSet("BROWSER")) return true;
  if (platform === "darwin" || platform === "win32") return !isSet("SSH_CONNECTION");
  return isSet("DISPLAY") || isSet("WAYLAND_DISPLAY") || isSet("WSL_DISTRO_NAME");
}

/** Hands a web page to the desktop; resolves with whether it took it. Nothing but http and https is handed on. */
export async function openBrowser(address: string): Promise<boolean> {
  if (!URL.canParse(address)) return false;
  const { protocol, href } = new URL(address);
  if (protocol !== "https:" && protocol !== "http:") return false;
  try {
    const { default: open } = await import("open");
    await open(href);
    return true;
  } catch {
    return false;
  }
}
