import { PassThrough } from "node:stream";
import { VaultClient } from "@vault-proxy/client";
import { Command } from "commander";
import { expect, test } from "vitest";

import { createOutput } from "../output.js";
import { cliFixture } from "../testing/cli-fixture.js";
import { terminalContext } from "../testing/terminal-context.js";
import { configureServiceTest } from "./service-test.js";

interface Tested {
  readonly calls: string[];
  readonly stdout: string;
  readonly code: number | undefined;
}

/** `service test` of a service at `baseUrl`, whose API answers `status` to everything. */
async function serviceTest(baseUrl: string, status: number, ...args: string[]): Promise<Tested> {
  const calls: string[] = [];
  const answering = (url: string, init?: RequestInit): Promise<Response> => {
    const path = url.slice("https://vault.example".length);
    calls.push(`${init?.method ?? ""} ${path}`);
    const service = { name: "api", base_url: baseUrl, auth_type: "bearer" };
    return Promise.resolve(
      path.startsWith("/proxy") ? Response.json({}, { status }) : Response.json(service),
    );
  };
  const client = new VaultClient({ addr: "https://vault.example", fetch: answering as typeof fetch });
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const { context } = terminalContext("https://vault.example");
  const output = createOutput({ stdout, stderr, env: {}, json: false });
  let code: number | undefined;
  const command = new Command("test");
  configureServiceTest(command, async (action) => {
    code = await action({ ...context, output, connect: () => Promise.resolve(client) });
  });
  await command.parseAsync(["api", ...args], { from: "user" });
  return { calls, code, stdout: String(stdout.read() ?? "") };
}

test("of a service that a preset knows the preset's call is made, and its answer explained", async () => {
  expect(await serviceTest("https://api.openai.com", 200)).toEqual({
    calls: ["GET /services/api", "GET /proxy/api/v1/models"],
    stdout: "api: ok (HTTP 200): OpenAI takes the credential\n",
    code: undefined,
  });
  await expect(serviceTest("https://api.openai.com", 401)).rejects.toMatchObject({
    message: "api: OpenAI refused the credential (HTTP 401)",
    hint: expect.stringContaining("revoked") as unknown,
  });
});

test("a path that is given goes before the preset's, and anything but a refusal is well", async () => {
  expect(await serviceTest("https://api.openai.com", 404, "--path", "/x")).toEqual({
    calls: ["GET /services/api", "GET /proxy/api/x"],
    stdout: "api: ok (HTTP 404)\n",
    code: undefined,
  });
});

test("of another service / is asked for", async () => {
  expect((await serviceTest("https://api.example", 200)).calls[1]).toBe("GET /proxy/api/");
});

test("without a session it says how to get one, in text and in JSON, as all commands do", async () => {
  const { run } = await cliFixture();
  const none = { env: { VAULT_TOKEN: "" } };
  expect(await run(["service", "test", "api"], none)).toEqual({
    code: 1,
    stdout: "",
    stderr: "error: there is no session: run `vault-cli unlock`, or set VAULT_TOKEN\n",
  });
  const asJson = await run(["service", "test", "api", "--json"], none);
  expect({ code: asJson.code, stdout: asJson.stdout }).toEqual({ code: 1, stdout: "" });
  expect(JSON.parse(asJson.stderr)).toMatchObject({ code: "unauthorized", error: "there is no session" });
});
