import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { VaultClient } from "@vault-proxy/client";
import { expect, test } from "vitest";

import type { CommandContext } from "./command-context.js";
import { createOutput } from "./output.js";
import { performProxiedCall } from "./proxied-call.js";

async function shown(body: string, isTTY: boolean): Promise<string> {
  const answering = (): Promise<Response> => Promise.resolve(new Response(body));
  const client = new VaultClient({ addr: "https://vault.example", fetch: answering });
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const stderr = new PassThrough();
  const context: CommandContext = {
    ...{ bin: "vault-cli", env: {}, stdin: Readable.from([]), stderr, allowInsecure: false },
    output: createOutput({ stdout, stderr, env: {}, json: false }),
    sessionPath: "/dev/null/session",
    connect: () => Promise.resolve(client),
  };
  const call = { service: "api", method: "GET", path: "/", body: undefined, flags: { timeout: "0" } };
  expect(await performProxiedCall(context, call)).toBe(0);
  return text(stdout.end());
}

test.each([
  ["{}", "{}\n"],
  ["{}\n", "{}\n"],
  ["", ""],
])(
  "behind the body %j the prompt of a terminal begins its own line, and a pipe gets no byte more",
  async (body, seen) => {
    expect(await shown(body, true)).toBe(seen);
    expect(await shown(body, false)).toBe(body);
  },
);
