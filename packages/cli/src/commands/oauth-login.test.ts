import { Command } from "commander";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "vitest";

import { runProgram } from "../program.js";
import { terminalContext, type TerminalContext } from "../testing/terminal-context.js";
import { configureOauthLogin } from "./oauth-login.js";

/** In a terminal; what the vault would do is not waited for. */
function start(...args: readonly string[]): { terminal: TerminalContext; done: Promise<unknown> } {
  const terminal = terminalContext("https://vault.example");
  const command = new Command("login").exitOverride();
  configureOauthLogin(command, async (action) => {
    await action(terminal.context);
  });
  return { terminal, done: command.parseAsync([...args, "--no-wait"], { from: "user" }) };
}

const bodyOf = (terminal: TerminalContext): unknown => JSON.parse(String(terminal.bodies.at(-1)));

test("a terminal is asked for all that nobody knows, and shows no secret", async () => {
  const { terminal, done } = start("mine");
  await terminal.answer("Base URL", "https://api.example.com\r");
  await terminal.answer("Authorization endpoint", "https://id.example.com/authorize\r");
  await terminal.answer("Token endpoint", "https://id.example.com/token\r");
  await terminal.answer("Id of the client", " id \r");
  await terminal.answer("Secret of the client", "hush-hush\r");
  await terminal.answer("Scopes, with spaces between", "read write\r");
  await done;
  expect(terminal.calls).toEqual(["POST /auth/oauth2/authorize"]);
  expect(bodyOf(terminal)).toEqual({
    service_name: "mine",
    base_url: "https://api.example.com",
    auth_url: "https://id.example.com/authorize",
    token_url: "https://id.example.com/token",
    client_id: "id",
    client_secret: "hush-hush",
    scopes: ["read", "write"],
  });
  expect(terminal.screen()).not.toContain("hush");
});

test("a family's name is asked which of its APIs it is, and the scopes by an example", async () => {
  const { terminal, done } = start("google", "--client-id", "id", "--client-auth", "none");
  await terminal.answer("Which API?", "\u001b[B\r");
  await terminal.answer("such as https://www.googleapis.com/auth/gmail.readonly", "a b\r");
  await done;
  expect(terminal.screen()).toContain("https://console.cloud.google.com/apis/credentials");
  expect(bodyOf(terminal)).toMatchObject({
    base_url: "https://gmail.googleapis.com",
    ...{ scopes: ["a", "b"], client_auth: "none" },
  });
});

test("a tenant is asked for until it is one; no secret makes a public client", async () => {
  const { terminal, done } = start("salesforce", "--client-id", "id", "--scope", "api web");
  await terminal.answer("Tenant at Salesforce", "evil.example/\r");
  await terminal.answer("wanted: My Domain name", `${"\u007f".repeat(20)}acme\r`);
  await terminal.answer("Secret of the client", "\r");
  await done;
  const body = bodyOf(terminal);
  expect(body).toMatchObject({
    token_url: "https://acme.my.salesforce.com/services/oauth2/token",
    scopes: ["api", "web", "refresh_token"],
  });
  expect(body).not.toHaveProperty("client_secret");
  expect(body).not.toHaveProperty("client_auth");
});

test("with a client file nothing is asked", async () => {
  const { terminal, done } = start(
    "mail",
    "--preset",
    "gmail",
    "--client-secret-file",
    "g.json",
    "--scope",
    "x",
  );
  await done;
  expect(bodyOf(terminal)).toMatchObject({
    client_secret_file: "g.json",
    scopes: ["x"],
    client_auth: "post",
  });
  expect(bodyOf(terminal)).not.toHaveProperty("token_url");
});

describe("the preset", () => {
  const known = ["--client-id", "id", "--client-auth", "none", "--scope", "x"];

  test.each([
    ["microsoft", "https://graph.microsoft.com"],
    ["GitHub", "https://api.github.com"],
  ])("is the one by the service's name %s, in any letter case", async (name, base_url) => {
    const { terminal, done } = start(name, ...known);
    await done;
    expect(bodyOf(terminal)).toMatchObject({ service_name: name, base_url });
  });

  test("is left out where the command line has endpoints of its own", async () => {
    const own = ["--auth-url", "https://id.example/a", "--token-url", "https://id.example/t"];
    const { terminal, done } = start("github", ...known, ...own, "--base-url", "https://api.example");
    await done;
    expect(bodyOf(terminal)).not.toHaveProperty("long_lived_token");
  });

  test("of a family is the first where the base URL is given", async () => {
    const { terminal, done } = start(
      "g",
      "--preset",
      "google",
      ...known,
      "--base-url",
      "https://docs.googleapis.com",
    );
    await done;
    expect(bodyOf(terminal)).toMatchObject({
      base_url: "https://docs.googleapis.com",
      token_url: "https://oauth2.googleapis.com/token",
    });
  });
});

/** Without a terminal, and with no vault to reach. */
async function runWith(args: readonly string[], input = "") {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await runProgram({
    argv: ["node", "/bin/vault-cli", "--addr", "http://127.0.0.1:9", "oauth", "login", ...args],
    env: { VAULT_TOKEN: "tok_x" },
    stdin: Readable.from(input === "" ? [] : [Buffer.from(input)]),
    stdout,
    stderr,
  });
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) };
}

const id = ["--client-id", "id"];

test.each<[string[], string]>([
  [["mine"], "missing: --base-url, --auth-url, --token-url, --client-id"],
  [["github"], "missing: --client-id\nhint: they are those of your client at GitHub\n"],
  [["mine", "--device"], "missing: --base-url, --device-url, --token-url, --client-id"],
  [["mine", "--client-secret-file", "f"], "missing: --base-url\n"],
  [["x", "--preset", "nope"], 'there is no preset "nope"\nhint: with a login: '],
  [["x", "--preset", "openai"], "no login at OpenAI is known"],
  [["x", "--preset", "shopify"], "Shopify Admin takes its tokens in X-Shopify-Access-Token"],
  [["google"], '"google" stands for several APIs\nhint: use --preset google-calendar | gmail |'],
  [["salesforce", ...id], "Salesforce needs --tenant\nhint: My Domain name"],
  [["salesforce", ...id, "--tenant", "a/b"], '"a/b" cannot be the --tenant'],
  [["github", ...id, "--tenant", "a"], "--tenant is not needed here"],
  [["microsoft", ...id], "Microsoft Graph needs --scope\nhint: such as User.Read Mail.Read"],
  [["slack", ...id, "--device"], "no login on another device is known at Slack"],
  [["github", ...id, "--timeout", "soon"], '"soon" is not a duration'],
  [["github", ...id, "--extra", "x"], "--extra takes a name and a value"],
  [["github", ...id, "--authorize-param", "=x"], "--authorize-param takes a name and a value"],
  [["github", ...id, "--client-secret-stdin"], "standard input holds no client secret"],
  [["github", "--client-secret-stdin", "--client-secret-file", "f"], "use one of"],
  [["github", ...id, "--client-auth", "digest"], "Allowed choices are post"],
])("%j exits 2 and says what is missing", async (args, message) => {
  const { code, stdout, stderr } = await runWith(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(message);
});

test("a vault that is not there is told after the hints", async () => {
  const { code, stderr } = await runWith(["github", ...id, "--client-secret-stdin"], "hush-hush\n");
  expect(code).toBe(1);
  expect(stderr).toMatch(/^GitHub: make a client at .*cannot reach vault-server/s);
  expect(stderr).not.toContain("hush");
});
