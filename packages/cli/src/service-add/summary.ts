import type { AuthDefinition, ServiceDefinition } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { CliError } from "../failures.js";
import { confirm } from "../prompt.js";

const LABEL_WIDTH = 12;

/** Shows what will be stored, without what is secret, and asks whether it is right. @param title of an API that is known */
export async function confirmSummary(
  context: CommandContext,
  definition: ServiceDefinition,
  title?: string,
): Promise<void> {
  context.output.note("");
  showSummary(context, definition, title);
  context.output.note("");
  if (!(await confirm(context, "Add it?", true))) throw new CliError("nothing was changed");
}

export function showSummary(
  { output }: Pick<CommandContext, "output">,
  definition: ServiceDefinition,
  title?: string,
): void {
  for (const line of summary(definition, title)) output.note(`  ${line}`);
}

/** Of the definition only what `ServiceInfo` shows as well. */
export function summary({ name, auth, ...settings }: ServiceDefinition, title?: string): readonly string[] {
  const row = (label: string, value: string | undefined): string[] =>
    value === undefined ? [] : [label.padEnd(LABEL_WIDTH) + value];
  return [
    ...row("name", name),
    ...row("API", title),
    ...row("base URL", settings.base_url),
    ...row("server", serverOf(auth)),
    ...row("credential", credentialPlace(auth)),
    ...Object.entries(settings.headers ?? {}).flatMap(([header, value]) =>
      row("header", `${header}: ${value}`),
    ),
    ...row("private", settings.allow_private === true ? "http and private addresses are allowed" : undefined),
    ...row("TLS", tlsOf(settings)),
  ];
}

function tlsOf(settings: Omit<ServiceDefinition, "name" | "auth">): string | undefined {
  if (settings.tls_skip_verify === true) return "no certificate is checked";
  return settings.tls_ca === undefined ? undefined : "by a CA of its own";
}

/** `user@host:port` of what is logged in to. */
function serverOf(auth: AuthDefinition): string | undefined {
  const fields = auth as unknown as Readonly<Record<string, unknown>>;
  const prefix = auth.type === "ssh_key" ? "ssh" : auth.type;
  const of = (field: string): string => {
    const value = fields[`${prefix}_${field}`];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  const user = of("user") === "" ? of("username") : of("user");
  const host = of("host");
  if (host === "") return undefined;
  return `${user === "" ? "" : `${user}@`}${host}${of("port") === "" ? "" : `:${of("port")}`}`;
}

/** Where the credential goes, or what it is got by. */
function credentialPlace(auth: AuthDefinition): string {
  switch (auth.type) {
    case "bearer":
      return "Authorization: Bearer …";
    case "header":
      return `${auth.header_name}: …`;
    case "headers":
      return Object.keys(auth.headers)
        .map((name) => `${name}: …`)
        .join(", ");
    case "query":
      return Object.keys(auth.params)
        .map((name) => `?${name}=…`)
        .join(", ");
    case "basic":
      return "user name and password";
    case "url":
      return "in the URL, at {token}";
    default:
      return auth.type;
  }
}
