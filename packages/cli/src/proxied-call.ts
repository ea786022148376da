import type { RequestBody } from "@vault-proxy/client";
import type { Command } from "commander";

import type { CommandContext } from "./command-context.js";
import { parseDuration } from "./duration.js";
import { CliError, UsageError } from "./failures.js";
import { openLocalFile } from "./local-file.js";
import { startProgress } from "./transfer-progress.js";

const LINE_END = 0x0a;

export interface ProxyFlags {
  readonly header?: readonly string[];
  readonly include?: boolean;
  readonly timeout: string;
}

export interface ProxiedCall {
  readonly service: string;
  readonly method: string;
  readonly path: string;
  /** As given on the command line: text, `-` or `@FILE`. */
  readonly body: string | undefined;
  readonly flags: ProxyFlags;
}

export function addProxyOptions(command: Command): void {
  command
    .option("-H, --header <line>", "a header, `Name: value`; may be repeated", collect)
    .option("-i, --include", "print status and headers to stderr")
    .option("--timeout <duration>", "how long to wait for the answer's headers, 0 for no limit", "0");
  command.addHelpText(
    "after",
    "\nThe answer's body goes to stdout as it arrives; the exit code is 1 for 4xx and 5xx.\n" +
      "A body is sent as application/json unless -H says otherwise.",
  );
}

/** Resolves with the exit code: 1 for an answer of 4xx or 5xx. */
export async function performProxiedCall(context: CommandContext, call: ProxiedCall): Promise<number> {
  const { output } = context;
  const headers = (call.flags.header ?? []).map(parseHeader);
  const timeoutMs = parseDuration(call.flags.timeout);
  const client = await context.connect("token");
  const body = await openBody(context, call.body);
  const response = await client.proxy(call.service, call.method, call.path, body, { headers, timeoutMs });

  const failed = response.status >= 400;
  if (call.flags.include === true) {
    output.note(`HTTP ${response.status} ${response.statusText}`.trimEnd());
    for (const [name, value] of response.headers) output.note(`${name}: ${value}`);
    output.note("");
  } else if (response.status >= 300 && !output.json) {
    output.note(`HTTP ${response.status}${nextStep(response)}`);
  }
  if (output.json) output.data(await asJson(response));
  else await copyBody(context, response);
  return failed ? 1 : 0;
}

/** Redirects are the caller's to follow, and have no body as a rule: nothing at all would be seen of them. */
function nextStep({ status, headers }: Response): string {
  const location = headers.get("location");
  return status >= 400 || location === null ? "" : `: a redirect, which is not followed, to ${location}`;
}

async function copyBody(context: CommandContext, response: Response): Promise<void> {
  let last: number | undefined;
  const progress = startProgress(context, "Downloading");
  const body = chunksOf(response);
  // On a terminal the body itself shows how far it is.
  try {
    for await (const chunk of context.output.onTerminal ? body : progress.follow(body)) {
      last = chunk.at(-1) ?? last;
      await context.output.bytes(chunk);
    }
  } finally {
    progress.end();
  }
  // A prompt begins a line of its own.
  const isLineOpen = last !== undefined && last !== LINE_END;
  if (isLineOpen && context.output.onTerminal) await context.output.bytes(Uint8Array.of(LINE_END));
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  if (reader === undefined) return;
  for (;;) {
    const next = await reader.read().catch(cutOff);
    if (next.done) return;
    yield next.value;
  }
}

/** The body as JSON when it says that it is, else as text, or in base64 when it is not UTF-8. */
async function asJson(response: Response): Promise<object> {
  const bytes = Buffer.from(await response.arrayBuffer().catch(cutOff));
  const head = { status: response.status, headers: Object.fromEntries(response.headers) };
  const text = bytes.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(bytes)) return { ...head, body_base64: bytes.toString("base64") };
  if (/[/+]json\b/i.test(response.headers.get("content-type") ?? "")) {
    try {
      return { ...head, body: JSON.parse(text) as unknown };
    } catch {
      // Shown as it is.
    }
  }
  return { ...head, body: text };
}

function cutOff(): never {
  throw new CliError("the answer was cut off on the way");
}

async function openBody(context: CommandContext, body: string | undefined): Promise<RequestBody> {
  if (body === undefined || body === "") return undefined;
  if (body === "-") return context.stdin;
  if (!body.startsWith("@")) return body;
  return openLocalFile(body.slice(1), "pipe it to standard input, with - as the body");
}

function parseHeader(line: string): readonly [string, string] {
  const colon = line.indexOf(":");
  if (colon <= 0) throw new UsageError("-H takes a header line", "write -H 'Name: value'");
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}

function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}
