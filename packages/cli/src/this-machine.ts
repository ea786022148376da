import type { CommandContext } from "./command-context.js";
import { askChoice } from "./prompt.js";

/** The vault decides on the address; this only knows when to ask. */
export function isThisMachine(host: string): boolean {
  return /^(?:localhost|127\.[\d.]+|::1)$/i.test(host);
}

/** Whether the URL is one that needs `--allow-private`, as far as it shows: by its host, or since it has no TLS. */
export function isPrivateUrl(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, "");
  return (
    protocol === "http:" || isThisMachine(host) || /^(?:10|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./.test(host)
  );
}

/**
 * Whether a service may be at this machine itself, or where else the vault connects to only if it is told so. After a
 * no the vault would refuse the service: who asks goes on with another address.
 * @param question such as `May sessions connect to it?`
 */
export async function askAllowance(
  context: CommandContext,
  question: string,
  place = "That is this machine itself.",
): Promise<boolean> {
  const answer = await askChoice(context, `${place} ${question}`, [
    { value: "yes", label: "yes" },
    { value: "no", label: "no: ask for another address" },
  ]);
  return answer === "yes";
}
