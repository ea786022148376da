import type { CommandContext } from "./command-context.js";
import { askText, type Validate } from "./prompt.js";
import { askAllowance, isPrivateUrl } from "./this-machine.js";

const BASE_URL_QUESTION = "Base URL, such as https://api.openai.com";
const HOST_KEY_QUESTION = "Host key or its fingerprint, or nothing to keep the first that is shown";
const TOKEN_PLACE = "{token}";
/** RFC 9110 §5.6.2. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** Where an API is, and whether the vault may go there although it is without TLS, or on a private network. */
export interface ApiPlace {
  readonly baseUrl: string;
  readonly allowPrivate: boolean | undefined;
}

/**
 * Asks until the vault would take the answer, by the vault's own rules.
 * @param allowPrivate if that was given: nothing is asked about it then
 * @param initial what stands there to be changed
 */
export async function askApiPlace(
  context: CommandContext,
  type: string,
  allowPrivate: boolean | undefined,
  initial = "",
): Promise<ApiPlace> {
  const { parseBaseUrl } = await import("@vault-proxy/server/service-rules");
  const problem = (text: string, allowInsecure: boolean): string | undefined => {
    try {
      parseBaseUrl(text, { allowInsecure });
      return undefined;
    } catch (error) {
      return (error instanceof Error ? error.message : "not an address").replace(/^base_url: /, "");
    }
  };
  const validate: Validate = (answer) => {
    const text = answer.trim();
    if (text === "") return "needed";
    const wrong = problem(text, allowPrivate !== false);
    if (wrong !== undefined) return wrong + meant(text, problem);
    return placeProblem(type, text);
  };
  for (let before = initial; ;) {
    const baseUrl = (await askText(context, BASE_URL_QUESTION, validate, before)).trim();
    const isAllowed = problem(baseUrl, false) === undefined && !isPrivateUrl(baseUrl);
    if (isAllowed || allowPrivate !== undefined) return { baseUrl, allowPrivate };
    const place = "That is without TLS, or on a private network.";
    if (await askAllowance(context, "May calls go there?", place)) return { baseUrl, allowPrivate: true };
    before = baseUrl;
  }
}

/** For an answer that lacks its scheme. */
function meant(text: string, problem: (text: string, allowInsecure: boolean) => string | undefined): string {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) return "";
  const url = isPrivateUrl(`https://${text}`) ? `http://${text}` : `https://${text}`;
  return problem(url, true) === undefined ? `: write ${url}` : "";
}

function placeProblem(type: string, url: string): string | undefined {
  if (type === "url" && !url.includes(TOKEN_PLACE)) return `write ${TOKEN_PLACE} where the token goes in it`;
  if (type !== "url" && url.includes(TOKEN_PLACE)) return `${TOKEN_PLACE} is for services of type url`;
  return undefined;
}

/** @returns undefined for nothing */
export async function askHostKey(context: CommandContext): Promise<string | undefined> {
  const { readHostKey } = await import("@vault-proxy/server/service-rules");
  const answer = await askText(context, HOST_KEY_QUESTION, (text) => {
    const reading = text.trim() === "" ? undefined : readHostKey(text);
    return reading?.ok === false ? `that ${reading.fault}` : undefined;
  });
  return answer.trim() === "" ? undefined : answer.trim();
}

export async function askHeaderNames(context: CommandContext, type: "header" | "headers"): Promise<string[]> {
  const question = type === "header" ? "Name of the header" : "Names of the headers, separated by spaces";
  const answer = await askText(context, question, (text) => {
    const names = namesIn(text);
    if (names.length === 0) return "needed";
    if (type === "header" && names.length > 1) return "one name, without spaces";
    const wrong = names.find((name) => !HEADER_NAME.test(name));
    return wrong === undefined ? undefined : `${wrong} cannot be the name of a header`;
  });
  return namesIn(answer);
}

/** What somebody typed with spaces or commas between. */
export function namesIn(text: string): string[] {
  return text.split(/[\s,]+/).filter((name) => name !== "");
}
