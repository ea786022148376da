import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { VaultClient } from "@vault-proxy/client";
import { Command } from "commander";
import { describe, expect, onTestFinished, test } from "vitest";

import { terminalContext, type TerminalContext } from "../testing/terminal-context.js";
import { configureServiceAdd } from "./service-add.js";

const DOWN = "\u001b[B";

/** What went to the vault. */
function storedBy({ calls, bodies }: TerminalContext): unknown {
  return JSON.parse(String(bodies[calls.indexOf("POST /services")]));
}

test("a terminal is asked for whatever is missing, and shows no secret", async () => {
  const terminal = terminalContext("https://vault.example");
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const done = command.parseAsync([], { from: "user" });
  await terminal.answer("Type to search", "\r");
  await terminal.answer("Where does its credential go", "\u001b[B\u001b[B\r");
  await terminal.answer("Name of the service", "dd\r");
  await terminal.answer("Base URL", "https://api.example\r");
  await terminal.answer("Names of the headers", "A, B\r");
  await terminal.answer("Value of A", "sk-one\r");
  await terminal.answer("Value of B", "sk-two\r");
  await terminal.answer("Add it?", "\r");
  await done;
  expect(terminal.calls).toEqual(["GET /services", "POST /services", "GET /proxy/x/"]);
  expect(terminal.screen()).not.toContain("sk-");
});

test("a name that the vault would refuse is told before the next question", async () => {
  const terminal = terminalContext("https://vault.example");
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const done = command.parseAsync([], { from: "user" });
  await terminal.answer("Type to search", "\r");
  await terminal.answer("Where does its credential go", "\r");
  await terminal.answer("Name of the service", "my service\r");
  await terminal.answer("first a letter or digit", "\u0003");
  await expect(done).rejects.toThrow("cancelled");
  expect(terminal.screen()).not.toContain("Base URL");

  await expect(command.parseAsync(["x/y"], { from: "user" })).rejects.toThrow(
    "cannot be the name of a service",
  );
  expect(terminal.calls).toEqual(["GET /services"]);
});

test("a terminal is asked for what a credential that expires cannot do without", async () => {
  const terminal = terminalContext("https://vault.example");
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const done = command.parseAsync(["gh", "--github-app", "1"], { from: "user" });
  await terminal.answer("Id of the installation", "2\r");
  await terminal.answer("uploaded private key", "app.pem\r");
  await done;
  expect(storedBy(terminal)).toEqual({
    name: "gh",
    base_url: "https://api.github.com",
    auth: { type: "github_app", app_id: "1", installation_id: "2", key_file: "app.pem" },
  });
});

/** `service add` in a terminal: each question with the keys that answer it, and what goes to the vault then. */
async function addInTerminal(
  args: readonly string[],
  answers: readonly (readonly [question: string, keys: string])[],
): Promise<unknown> {
  const terminal = terminalContext("https://vault.example");
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const done = command.parseAsync([...args], { from: "user" });
  for (const [question, keys] of answers) await terminal.answer(question, keys);
  await done;
  return storedBy(terminal);
}

test("a terminal is asked for what a session's log-in needs, and for no base URL", async () => {
  expect(
    await addInTerminal(
      [],
      [
        ["Type to search", "postgres"],
        ["postgres: ", "\r"],
        ["Name of the service", "orders\r"],
        ["Host", " db.example.com:5433 \r"],
        ["TLS", "\r"],
        ["User", "app\r"],
        ["Database, or nothing for app", "\r"],
        ["Password", "hunter2\r"],
        ["Add it?", "\r"],
      ],
    ),
  ).toEqual({
    name: "orders",
    auth: {
      ...{ type: "postgres", postgres_host: "db.example.com", postgres_port: 5433, postgres_user: "app" },
      ...{ postgres_password: "hunter2", postgres_tls: "require" },
    },
  });
});

test("of a mail server a terminal is asked whether it wants an access token, and then for no password", async () => {
  expect(
    await addInTerminal(
      ["mail", "--type", "imap", "--host", "imap.gmail.com", "--tls", "implicit"],
      [
        ["User", "ann@gmail.com\r"],
        ["What does it log in with", `${DOWN}\r`],
        ["Name of the service that has the access token", "gmail\r"],
      ],
    ),
  ).toEqual({
    name: "mail",
    auth: {
      ...{ type: "imap", imap_host: "imap.gmail.com", imap_user: "ann@gmail.com", imap_tls: "implicit" },
      ...{ imap_auth: "xoauth2", oauth_service: "gmail" },
    },
  });
});

test("a server on this machine is asked about, since the vault would refuse it", async () => {
  expect(
    await addInTerminal(
      ["cache", "--type", "redis", "--host", "localhost"],
      [
        ["May sessions connect to it", "\r"],
        ["TLS", "\r"],
        ["ACL user, or nothing", "\r"],
        ["Password", "p\r"],
      ],
    ),
  ).toEqual({
    ...{ name: "cache", allow_private: true },
    auth: { type: "redis", redis_host: "localhost", redis_password: "p", redis_tls: false },
  });
});

test("only types that the given flags are for are offered", async () => {
  expect(
    await addInTerminal(
      ["x", "--host", "h", "--database", "3"],
      [
        ["where does its credential go", "\r"],
        ["TLS", `${DOWN}\r`],
        ["ACL user", "u\r"],
        ["Password", "p\r"],
      ],
    ),
  ).toEqual({
    name: "x",
    auth: {
      ...{ type: "redis", redis_host: "h", redis_username: "u", redis_password: "p" },
      ...{ redis_db: 3, redis_tls: true },
    },
  });
  await expect(addInTerminal(["own", "--base-url", "https://x", "--user", "u"], [])).rejects.toThrow(
    "no type that all of these flags are for",
  );
});

test("a flag that the type has no use for is refused before anything is asked", async () => {
  const args = ["x", "--type", "postgres", "--base-url", "https://x"];
  await expect(addInTerminal(args, [])).rejects.toThrow("--base-url is for services of HTTP calls");
});

test("of a server that is reached by SSH a terminal is asked for its user, its credential and its host key", async () => {
  expect(
    await addInTerminal(
      ["box", "--type", "ssh_key"],
      [
        ["Host, or host:port", "box.example.com:2222\r"],
        ["User", "deploy\r"],
        ["What does it log in with", `${DOWN}${DOWN}\r`],
        ["Host key or its fingerprint", "SHA256:YWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWI\r"],
        ["Password", "hunter2\r"],
      ],
    ),
  ).toEqual({
    name: "box",
    auth: {
      ...{ type: "ssh_key", ssh_host: "box.example.com", ssh_port: 2222, ssh_user: "deploy" },
      ...{ ssh_password: "hunter2", ssh_host_key: "SHA256:YWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWJjYWI" },
    },
  });
});

test("a path where no key is can be mended, until a file is there", async () => {
  const directory = await mkdtemp(join(tmpdir(), "vault-cli-key-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  await writeFile(join(directory, "key"), "hush-hush");
  const terminal = terminalContext("https://vault.example");
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const flags = ["--type", "ssh_key", "--ssh-host", "box.example.com", "--ssh-user", "u", "--no-test"];
  const done = command.parseAsync(["box", ...flags], { from: "user" });
  await terminal.answer("What does it log in with", "\r");
  await terminal.answer("Path of the private key", `${directory}/kex\r`);
  await terminal.answer(`cannot read ${directory}/kex: there is no such file`, "\u007fy\r");
  await terminal.answer("Host key or its fingerprint", "\r");
  await done;
  expect(terminal.calls).toContain("POST /services");
  expect(terminal.screen()).not.toContain("hush");
});

test("the passphrase of a stored key may be nothing, and flags of SSH tell the type", async () => {
  expect(
    await addInTerminal(
      ["box", "--ssh-host", "localhost", "--ssh-user", "u", "--ssh-allowed-command", "docker ps"],
      [
        ["May the vault connect to it", "\r"],
        ["What does it log in with", `${DOWN}\r`],
        ["Name of the stored key", "box.key\r"],
        ["Host key or its fingerprint", "\r"],
        ["Passphrase of the key, or nothing", "\r"],
      ],
    ),
  ).toEqual({
    ...{ name: "box", allow_private: true },
    auth: {
      ...{ type: "ssh_key", ssh_host: "localhost", ssh_user: "u", ssh_key_file_ref: "box.key" },
      ssh_allowed_commands: ["docker ps"],
    },
  });
});

test("an address without TLS is asked about, since the vault would refuse it", async () => {
  expect(
    await addInTerminal(
      ["own", "--type", "bearer"],
      [
        ["Base URL", " http://intranet.example \r"],
        ["May calls go there", "\r"],
        ["Token", "t\r"],
      ],
    ),
  ).toEqual({
    ...{ name: "own", base_url: "http://intranet.example", allow_private: true },
    auth: { type: "bearer", token: "t" },
  });
});

test("a preset asks for its tenant, its user name and its key, and a service is not replaced unasked", async () => {
  const answers = [
    ["Tenant at Jira Cloud", "a/b\r"],
    ["wanted: site name", "\u007f\u007f\u007facme\r"],
    ["Atlassian account email", " ann@acme.example \r"],
    ["API token for Jira Cloud", "hush-hush\r"],
  ] as const;
  expect(await addInTerminal(["jira"], answers)).toEqual({
    ...{ name: "jira", base_url: "https://acme.atlassian.net" },
    auth: { type: "basic", username: "ann@acme.example", password: "hush-hush" },
  });
  const terminal = terminalContext("https://vault.example");
  terminal.services.push({ name: "openai", auth_type: "bearer", base_url: "https://eu.example" });
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const done = command.parseAsync(["openai"], { from: "user" });
  await terminal.answer("Key or token for OpenAI", "hush-hush\r");
  await terminal.answer("Replace it?", "\r");
  expect(terminal.screen()).toContain("To change only its credential: vault-cli service update openai");
  expect(terminal.screen()).toContain("base_url  https://eu.example → https://api.openai.com");
  await expect(done).rejects.toThrow("nothing was changed");
  expect(terminal.calls).toEqual(["GET /services"]);
});

test.each<[readonly string[], readonly (readonly [string, string])[]]>([
  [["openai"], [["Key or token for OpenAI", "hush-hush\r"]]],
  [
    ["own", "--type", "header"],
    [
      ["Base URL", "https://own.example\r"],
      ["Name of the header", "X-Key\r"],
      ["Value of X-Key", "hush-hush\r"],
    ],
  ],
])("what was stored is shown in a terminal, named %j or not, without the secret", async (args, answers) => {
  const terminal = terminalContext("https://vault.example");
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const done = command.parseAsync([...args, "--no-test"], { from: "user" });
  for (const [question, keys] of answers) await terminal.answer(question, keys);
  await done;
  expect(terminal.screen()).toMatch(
    / {2}name {8}(?:openai|own)\n[^]* {2}credential {2}(?:Authorization: Bearer|X-Key:) …\n/,
  );
  expect(terminal.screen()).not.toContain("hush-hush");
});

test("an empty secret is asked for again, and so is one with the word that the vault adds", async () => {
  expect(
    await addInTerminal(
      ["own", "--type", "bearer", "--base-url", "https://api.example"],
      [
        ["Token", "\r"],
        ["needed", "Bearer sk-one\r"],
        ["give what stands behind", "\u0015sk-one\r"],
      ],
    ),
  ).toMatchObject({ auth: { type: "bearer", token: "sk-one" } });
});

describe("of a field that the vault refuses", () => {
  /** A vault that refuses services with these messages, one after the other, and then takes one. */
  async function refusing(
    refusals: readonly string[],
    args: readonly string[],
    answers: readonly (readonly [question: string, keys: string])[],
  ) {
    const terminal = terminalContext("https://vault.example");
    const left = [...refusals];
    const stored: unknown[] = [];
    const answering = (_: string, init?: RequestInit): Promise<Response> => {
      if (init?.method !== "POST") return Promise.resolve(Response.json([]));
      stored.push(JSON.parse(init.body as string));
      const error = left.shift();
      if (error === undefined) return Promise.resolve(Response.json({ name: "x", auth_type: "bearer" }));
      return Promise.resolve(Response.json({ error, code: "invalid_request" }, { status: 400 }));
    };
    const client = new VaultClient({ addr: "https://vault.example", fetch: answering as typeof fetch });
    const command = new Command("add");
    configureServiceAdd(command, async (action) => {
      await action({ ...terminal.context, connect: () => Promise.resolve(client) });
    });
    const done = command.parseAsync([...args, "--no-test"], { from: "user" });
    for (const [question, keys] of answers) await terminal.answer(question, keys);
    await done;
    return stored;
  }

  test("only that is asked again, and the other answers stay", async () => {
    const stored = await refusing(
      ["base_url: nobody goes there", "auth.header_value: is not a legal value"],
      ["own", "--type", "header"],
      [
        ["Base URL", "https://one.example\r"],
        ["Name of the header", "x-key\r"],
        ["Value of x-key", "hush-hush\r"],
        ["Base URL", "https://two.example\r"],
        ["Value of x-key", "other\r"],
      ],
    );
    const auth = { type: "header", header_name: "x-key", header_value: "hush-hush" };
    expect(stored).toEqual([
      { name: "own", base_url: "https://one.example", auth },
      { name: "own", base_url: "https://two.example", auth },
      { name: "own", base_url: "https://two.example", auth: { ...auth, header_value: "other" } },
    ]);
  });

  test("a host is asked again with its port, and what was never asked for ends the command", async () => {
    const stored = await refusing(
      ["auth.postgres_host: address not allowed"],
      ["db", "--type", "postgres", "--tls", "require", "--user", "u", "--database", "d"],
      [
        ["Host", "a.example:1\r"],
        ["Password", "p\r"],
        ["Host", "b.example\r"],
      ],
    );
    expect(stored).toMatchObject([
      { auth: { postgres_host: "a.example", postgres_port: 1 } },
      { auth: { postgres_host: "b.example", postgres_password: "p" } },
    ]);
    await expect(
      refusing(
        ["headers: too many"],
        ["own", "--type", "bearer", "--base-url", "https://x.example"],
        [["Token", "t\r"]],
      ),
    ).rejects.toThrow("--header: too many");
  });
});

test("Ctrl-C ends with 130, and nothing was stored", async () => {
  const terminal = terminalContext("https://vault.example");
  const command = new Command("add");
  configureServiceAdd(command, async (action) => {
    await action(terminal.context);
  });
  const done = command.parseAsync(["openai"], { from: "user" });
  await terminal.answer("Key or token for OpenAI", "\u0003");
  await expect(done).rejects.toMatchObject({ message: "cancelled", exitCode: 130 });
  expect(terminal.calls).toEqual(["GET /services"]);
});
