import { existsSync } from "node:fs";
import { PassThrough, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

import { COMMANDS, GROUPS } from "./commands/registry.js";
import { runProgram, selectCommand } from "./program.js";

describe("selectCommand", () => {
  test.each([
    ["health", "health"],
    ["--json health", "health"],
    ["--addr http://x service list", "service list"],
    ["service --json list --addr x", "service list"],
    ["proxy svc GET /x", "proxy"],
    ["service", undefined],
    ["service lst", undefined],
    ["list", undefined],
    ["-- health", undefined],
    ["ssh box upload", "ssh"],
    ["ssh upload box a b", "ssh upload"],
    ["service --json host-key show box", "service host-key show"],
    ["service host-key", undefined],
    ["", undefined],
  ])("%j names %s", (line, command) => {
    const words = line.split(" ").filter((word) => word !== "");
    expect(selectCommand(words, COMMANDS)?.path.join(" ")).toBe(command);
  });
});

describe("the registry", () => {
  test.each(COMMANDS.map((entry) => [entry.path.join("-"), entry] as const))(
    "%s stands in the file of its name and loads",
    async (file, entry) => {
      expect(existsSync(fileURLToPath(new URL(`commands/${file}.ts`, import.meta.url)))).toBe(true);
      expect(typeof (await entry.load())).toBe("function");
      const parent = entry.path.slice(0, -1).join(" ");
      const isCommand = COMMANDS.some(({ path }) => path.join(" ") === parent);
      if (parent !== "" && !isCommand) expect(Object.keys(GROUPS)).toContain(parent);
    },
  );
});

/** In this process, without a terminal. Whatever would call a server fails. */
async function runWith(args: readonly string[], input = "") {
  const stdin = Readable.from(input === "" ? [] : [Buffer.from(input)]);
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await runProgram({
    argv: ["node", "/bin/vault-cli", "--addr", "nowhere:", ...args],
    env: {},
    stdin,
    stdout,
    stderr,
  });
  return { code, stdout: await text(stdout.end()), stderr: await text(stderr.end()) };
}

const flags = ["service", "add", "api", "--base-url", "https://api.example"];

describe("wrong usage", () => {
  test.each([
    [["servce"], "error: unknown command 'servce' (Did you mean service?)\nhint: see `vault-cli --help`\n"],
    [
      ["service", "ad"],
      "error: unknown command 'ad' (Did you mean add?)\nhint: see `vault-cli service --help`\n",
    ],
    [["proxy", "api"], "error: missing required argument 'method'\nhint: see `vault-cli proxy --help`\n"],
    [
      ["http", "-s", "api"],
      "error: required option '-m, --method <method>' not specified\nhint: see `vault-cli http --help`\n",
    ],
    [
      ["health", "--token=tok_hush"],
      "error: unknown option '--token'\nhint: see `vault-cli health --help`\n",
    ],
    [
      ["unlock", "hunter2hunter2"],
      "error: too many arguments for 'unlock'. Expected 0 arguments but got 1.\n",
    ],
  ])("%j exits 2 with one line and a hint", async (args, message) => {
    const { code, stdout, stderr } = await runWith(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
  });

  test.each([
    [["service", "add", "api"], "", "--base-url and --type are missing"],
    [["service", "add", "opneai"], "", "did you mean openai?"],
    [["service", "add", "x", "--preset", "opneai"], "", "did you mean openai?"],
    [["service", "add", "api", "--scrub"], "", "unknown option"],
    [["service", "add", "openai"], "", "no secret was given"],
    [
      ["service", "add", "openai", "--tenant", "x", "--secret-stdin"],
      "sk-hush",
      "--tenant is not needed here",
    ],
    [["service", "add", "openai", "--username", "x", "--secret-stdin"], "sk-hush", "--username is for"],
    [["service", "add", "jira", "--secret-stdin"], "sk-hush", "needs --tenant"],
    [["service", "add", "jira", "--tenant", "a/b", "--secret-stdin"], "sk-hush", "cannot be the --tenant"],
    [["service", "add", "jira", "--tenant", "acme", "--secret-stdin"], "sk-hush", "needs --username"],
    [["service", "add", "atlassian", "--secret-stdin"], "sk-hush", "stands for several APIs"],
    [["service", "add", "deepl", "--bearer-stdin"], "sk-hush", "is of --type header"],
    [["service", "add", "zoom", "--oauth2-client-id", "x", "--secret-stdin"], "sk-hush", "account_id=…"],
    [[...flags, "--type", "bearer", "--tenant", "x", "--secret-stdin"], "sk-hush", "--tenant is for presets"],
    [["service", "add"], "", "nothing says what to add"],
    [[...flags, "--type", "bearer"], "", "no secret was given"],
    [[...flags, "--bearer-stdin"], "", "the secret has 0 lines"],
    [[...flags, "--bearer-stdin", "--secret-stdin"], "sk-hush", "use one of"],
    [[...flags, "--bearer-stdin", "--type", "basic"], "sk-hush", "--bearer-stdin is for"],
    [[...flags, "--type", "header", "--secret-stdin"], "sk-hush", "needs --header-name"],
    [[...flags, "--type", "quantum", "--secret-stdin"], "sk-hush", "Allowed choices are bearer"],
    [["service", "add", "g", "--github-app", "1"], "", "missing: --github-installation, --github-key-file"],
    [[...flags, "--jwt-issuer", "i"], "", "missing: --jwt-token-url, --jwt-key-file"],
    [[...flags, "--type", "bearer", "--jwt-issuer", "i"], "", "flags for --type jwt_bearer, and for bearer"],
    [[...flags, "--name", "other", "--bearer-stdin"], "sk-hush", "two different names"],
    [
      ["service", "add", "--from-json", "-", "--type", "bearer"],
      "sk-hush",
      "--from-json takes no other option",
    ],
    [["service", "add", "--from-json", "-", "--no-scrub"], "sk-hush", "--from-json takes no other option"],
    [["service", "add", "--no-scrub"], "sk-hush", "missing: a name"],
    [["service", "add", "openai", "sk-hush"], "", "in your shell's history now"],
    [["service", "add", "own", "--base-url", "foo"], "sk-hush", "such as https://api.example.com"],
    [["service", "add"], "{sk-hush", "is not valid JSON"],
    [["service", "add"], "[]", "holds no service"],
    [["service", "add"], '[{"name":"a","auth":{"type":"hush"}},{}]', "service 2: name: missing"],
    [["service", "add"], '{"name":"a","auth":"sk-hush"}', "auth: missing, or no object"],
    [["service", "add"], '{"name":"a","auth":{"token":"sk-hush"}}', "auth.type: missing"],
  ])("%j exits 2 and repeats no secret", async (args, input, message) => {
    const { code, stdout, stderr } = await runWith(args, input);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("hush");
  });
});

describe.each([80, 60, 40])("in a terminal of %d columns", (columns) => {
  const helps = COMMANDS.map(({ path }) => [...path, "--help"]);
  test.each([["--help"], [], ["service"], ...helps].map((words) => [words.join(" "), words] as const))(
    "the help of vault-cli %s breaks no word and no example",
    async (_, words) => {
      const shown = async (terminal: object): Promise<string> => {
        const stdout = Object.assign(new PassThrough(), terminal);
        const stderr = Object.assign(new PassThrough(), terminal);
        const argv = ["node", "/bin/vault-cli", ...words];
        await runProgram({ argv, env: {}, stdin: Readable.from([]), stdout, stderr });
        return (await text(stdout.end())) + (await text(stderr.end()));
      };
      const inTerminal = await shown({ isTTY: true, columns });
      const [help = "", examples] = inTerminal.split("\nExamples:\n");
      const piped = await shown({});
      expect(inTerminal.split(/\s+/)).toEqual(piped.split(/\s+/));
      expect(examples).toBe(piped.split("\nExamples:\n")[1]);
      const tooLong = help.split("\n").filter((line) => line.length > columns && /\S +\S/.test(line));
      expect(tooLong).toEqual([]);
    },
  );
});

test("what is wrong usage is told as JSON with --json", async () => {
  const { code, stderr } = await runWith(["health", "--json", "--frob"]);
  expect(code).toBe(2);
  expect(JSON.parse(stderr)).toEqual({
    error: "unknown option '--frob'",
    code: "usage",
    hint: "see `vault-cli health --help`",
  });
});

test("a failure that is no usage error exits 1", async () => {
  expect(await runWith(["health", "--addr", "http://127.0.0.1:1"])).toMatchObject({ code: 1, stdout: "" });
});

test.each([
  [["help", "nope"], "error: there is no command nope\nhint: see `vault-cli --help`\n"],
  [["help", "service", "nope"], "error: there is no command service nope\n"],
])("%j is wrong usage", async (words, message) => {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const argv = ["node", "/bin/vault-cli", ...words];
  expect(await runProgram({ argv, env: {}, stdin: Readable.from([]), stdout, stderr })).toBe(2);
  expect(await text(stdout.end())).toBe("");
  expect(await text(stderr.end())).toContain(message);
});

test("where a command is missing, the help that is named is its group's; programs get JSON", async () => {
  expect((await runWith(["service", "lst"])).stderr).toContain("see `vault-cli service --help`");
  expect((await runWith(["service", "host-key", "shw"])).stderr).toContain(
    "see `vault-cli service host-key --help`",
  );
  expect((await runWith(["token"])).stderr).toContain("Usage: vault-cli token");
  const asJson = await runWith(["--json", "token"]);
  expect({ code: asJson.code, stdout: asJson.stdout }).toEqual({ code: 2, stdout: "" });
  expect(JSON.parse(asJson.stderr)).toEqual({
    ...{ error: "no command of token was named", code: "usage" },
    hint: "see `vault-cli token --help`",
  });
  expect(JSON.parse((await runWith(["--json"])).stderr)).toMatchObject({ error: "no command was named" });
});

test("the help of the whole has every command under a heading, in one order", async () => {
  const { stdout: help } = await runWith(["--help"]);
  const headings = [...help.matchAll(/^([A-Z][a-z ]+:)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual([
    ...["Options:", "The vault:", "Agents:", "Its services:", "Calls and connections:", "Others:"],
    ...["Environment:", "Exit codes:", "Examples:"],
  ]);
  const others = /\nOthers:\n([^]*?)\n\n/.exec(help)?.[1]?.split("\n") ?? [];
  expect((await runWith(["service", "--help"])).stdout).not.toContain("Others:");
  expect(others.map((line) => line.trim().split(" ")[0])).toEqual(["completion", "help"]);
});
