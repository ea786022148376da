import type { VaultClient } from "@vault-proxy/client";

import type { CommandContext } from "../command-context.js";
import { CliError } from "../failures.js";
import type { PresetTest } from "../presets/preset.js";
import type { ServicePreset } from "../presets/service-preset.js";
import type { CheckOutcome } from "./check-outcome.js";
import { otherCredential, verdict } from "./verdict.js";

/** Bytes of an answer that are looked at; those of test calls are far below. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** By any path: what speaks against the credential is a refusal only. */
export async function checkPath(
  { bin }: CommandContext,
  client: VaultClient,
  name: string,
  path: string,
): Promise<CheckOutcome> {
  const test = await client.testService(name, path);
  if (test.code === "vault_locked") throw new CliError("vault is locked", `run \`${bin} unlock\``);
  const message = test.ok ? `ok (HTTP ${test.status})` : (test.error ?? `HTTP ${test.status}`);
  const isRefused = test.code === undefined && (test.status === 401 || test.status === 407);
  const hint = isRefused ? otherCredential(changeOf(bin, name)) : hintFor(test.code, bin);
  return { ok: test.ok, message, hint, data: test };
}

function changeOf(bin: string, name: string): string {
  return `${bin} service update ${name}`;
}

/** The test call of a preset; undefined if it has none that needs no further values. */
export function presetTest({ preset: { test } }: ServicePreset): PresetTest | undefined {
  return test === undefined || test.path.includes("{") ? undefined : test;
}

export async function checkByPreset(
  { bin }: CommandContext,
  client: VaultClient,
  name: string,
  { preset, prefix }: ServicePreset,
  test: PresetTest,
): Promise<CheckOutcome> {
  const body = test.body === undefined ? undefined : JSON.stringify(test.body);
  const headers: [string, string][] = body === undefined ? [] : [["content-type", "application/json"]];
  let response: Response;
  try {
    response = await client.proxy(name, test.method, prefix + test.path, body, { headers });
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    const { message, code, status } = refusal;
    if (code === "vault_locked") throw new CliError("vault is locked", `run \`${bin} unlock\``);
    return {
      ok: false,
      message,
      hint: hintFor(code, bin),
      data: { ok: false, status, error: message, code },
    };
  }
  const { status } = response;
  const { json, json_present: present } = test.expect;
  const looksInside = status === test.expect.status && (json !== undefined || present !== undefined);
  if (!looksInside) await response.body?.cancel();
  return verdict(
    preset.title,
    test,
    { status, body: looksInside ? await jsonOf(response) : undefined },
    changeOf(bin, name),
  );
}

/** What the vault itself answered; by its shape, so that the client is loaded only by what calls. */
function refusalOf(
  error: unknown,
): { readonly message: string; readonly code: string; readonly status: number } | undefined {
  if (!(error instanceof Error) || error.name !== "VaultError") return undefined;
  const { code, status } = error as Error & { readonly code?: unknown; readonly status?: unknown };
  if (typeof code !== "string" || typeof status !== "number" || status === 0) return undefined;
  return { message: error.message, code, status };
}

/** What to do about a refusal of the vault. */
export function hintFor(code: string | undefined, bin: string): string | undefined {
  switch (code) {
    case "not_found":
      return `\`${bin} service list\` shows what there is`;
    case "destination_blocked":
      return "--allow-private allows private addresses and this machine's own";
    case "upstream_failed":
    case "upstream_timeout":
      return "is the base URL right, and is the server online? Behind a proxy, start it with --http-proxy";
    default:
      return undefined;
  }
}

/** Undefined for what is too long or no JSON. */
async function jsonOf(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader();
  try {
    for (;;) {
      const next = await reader?.read();
      if (next === undefined || next.done) break;
      length += next.value.length;
      if (length > MAX_ANSWER_BYTES) {
        await reader?.cancel();
        return undefined;
      }
      chunks.push(next.value);
    }
    return JSON.parse(Buffer.concat(chunks).toString("utf8")) as unknown;
  } catch {
    return undefined;
  }
}
