import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { Command } from "commander";
import { VaultClient } from "@vault-proxy/client";
import { expect, test } from "vitest";

import type { ConfigureCommand } from "../command-definition.js";
import { createOutput } from "../output.js";
import { terminalContext } from "../testing/terminal-context.js";
import { configureHealth } from "./health.js";
import { configureServiceList } from "./service-list.js";

/** What the command writes to stdout when the vault answers with `answer`. */
async function show(
  configure: ConfigureCommand,
  args: readonly string[],
  answer: unknown,
  how: { readonly isTTY: boolean; readonly json?: boolean },
): Promise<string> {
  const { context } = terminalContext("https://v.example");
  const stdout = Object.assign(new PassThrough(), { isTTY: how.isTTY });
  const output = createOutput({
    stdout,
    stderr: new PassThrough(),
    env: { NO_COLOR: "1" },
    json: how.json ?? false,
  });
  const answering = () => Promise.resolve(Response.json(answer));
  const client = new VaultClient({ addr: "https://v.example", fetch: answering });
  const command = new Command("x");
  configure(command, async (action) => {
    await action({ ...context, output, connect: () => Promise.resolve(client) });
  });
  await command.parseAsync(args, { from: "user" });
  return text(stdout.end());
}

const LASTING = { name: "a", base_url: "https://a", auth_type: "bearer" };
const EXPIRING = {
  ...{ name: "b", base_url: "https://b", auth_type: "oauth2_client", token_status: "valid" },
  ...{ expires_at: 1_900_000_000, scopes: ["read", "write"] },
};
const NEVER_USED = { name: "c", auth_type: "github_app", token_status: "expired" };
const AT = "2030-03-17T17:46:40.000Z";
const IN_DAYS = expect.stringMatching(/^in \d+ days$/) as string;

test("service list has columns for what expires where something does", async () => {
  const list = (services: unknown, isTTY = true) => show(configureServiceList, [], services, { isTTY });
  expect(await list([LASTING])).toBe("NAME  ADDRESS    AUTH\na     https://a  bearer\n");
  expect(
    (await list([LASTING, EXPIRING, NEVER_USED])).split("\n").map((line) => line.split(/ {2,}/)),
  ).toEqual([
    ["NAME", "ADDRESS", "AUTH", "STATUS", "EXPIRES", "SCOPES"],
    ["a", "https://a", "bearer"],
    ["b", "https://b", "oauth2_client", "valid", IN_DAYS, "read write"],
    ["c", "github_app", "expired"],
    [""],
  ]);
  expect(await list([EXPIRING], false)).toBe("  b                    https://b (oauth2_client)\n");
  // A Go server gives one string.
  expect(await list([{ ...EXPIRING, scopes: "read write" }])).toContain("read write");
});

test("health tokens shows how long each token is good, as a table, as lines and as JSON", async () => {
  const tokens = [
    { name: "b", auth_type: "oauth2_client", token_status: "valid", expires_at: 1_900_000_000 },
    { name: "c", auth_type: "github_app", token_status: "expired" },
  ];
  const health = (how: { isTTY: boolean; json?: boolean }) => show(configureHealth, ["tokens"], tokens, how);
  expect((await health({ isTTY: true })).split("\n").map((line) => line.split(/ {2,}/))).toEqual([
    ["NAME", "AUTH", "STATUS", "EXPIRES"],
    ["b", "oauth2_client", "valid", IN_DAYS],
    ["c", "github_app", "expired"],
    [""],
  ]);
  expect(await health({ isTTY: false })).toBe(`b oauth2_client valid ${AT}\nc github_app expired\n`);
  expect(JSON.parse(await health({ isTTY: false, json: true }))).toEqual(tokens);
});
