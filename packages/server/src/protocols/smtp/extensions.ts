import type { SmtpReply } from "./reply.js";

/** What a server says of itself in its answer to EHLO (RFC 5321 §4.1.1.1). */
export interface Announcement {
  /** The server's name, if it is a domain name. */
  readonly domain: string | undefined;
  /** The lines that are of the form that the RFC gives, each a keyword and its parameters. */
  readonly extensions: readonly Extension[];
}

export interface Extension {
  /** In capitals. */
  readonly keyword: string;
  readonly parameters: readonly string[];
  /** Whether it came as `KEYWORD=parameters`, the form of drafts before RFC 2554 that some servers repeat AUTH in. */
  readonly isOldForm: boolean;
}

const DOMAIN =
  /^(?=.{1,255}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*$/;

/** `ehlo-line` of RFC 5321 §4.1.1.1. */
const EXTENSION = /^([A-Za-z0-9][A-Za-z0-9-]*)(?:([ =])([\x20-\x7e]*))?$/;

/**
 * Extensions that are about the vault's connection with the server, not about the mail: TLS and log-ins, with
 * Exchange's own forms of them ([MS-XLOGIN], X-ANONYMOUSTLS).
 */
const OF_THE_CONNECTION: ReadonlySet<string> = new Set(["STARTTLS", "AUTH", "X-ANONYMOUSTLS", "X-EXPS"]);

/** The mechanisms that local clients are offered. */
const LOCAL_AUTH: Extension = { keyword: "AUTH", parameters: ["PLAIN", "LOGIN"], isOldForm: false };

/** @param reply a 250 to EHLO */
export function readAnnouncement({ lines: [greeting, ...lines] }: SmtpReply): Announcement {
  return { domain: domainOf(greeting), extensions: lines.flatMap(readExtension) };
}

/** The first word of a greeting or of the answer to EHLO, if it is a domain name. */
export function domainOf(text: string): string | undefined {
  const [word = ""] = text.split(" ");
  return DOMAIN.test(word) ? word : undefined;
}

function readExtension(line: string): Extension[] {
  const [, keyword, separator, parameters = ""] = EXTENSION.exec(line) ?? [];
  if (keyword === undefined) return [];
  return [
    {
      keyword: keyword.toUpperCase(),
      parameters: parameters.split(" ").filter((parameter) => parameter !== ""),
      isOldForm: separator === "=",
    },
  ];
}

export function hasExtension({ extensions }: Announcement, keyword: string): boolean {
  return extensions.some((extension) => extension.keyword === keyword);
}

/** The mechanisms of RFC 4954 §3 that a server offers, in capitals. */
export function offeredMechanisms({ extensions }: Announcement): ReadonlySet<string> {
  return new Set(
    extensions
      .filter(({ keyword }) => keyword === "AUTH")
      .flatMap(({ parameters }) => parameters.map((mechanism) => mechanism.toUpperCase())),
  );
}

/** What a local client is told: the server's own extensions, but the log-in that is the vault's. */
export function localExtensionLines({ extensions }: Announcement): string[] {
  return [
    ...extensions.filter(({ keyword, isOldForm }) => !isOldForm && !OF_THE_CONNECTION.has(keyword)),
    LOCAL_AUTH,
  ].map(({ keyword, parameters }) => [keyword, ...parameters].join(" "));
}
