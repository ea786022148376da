import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  cleanEnvironment,
  cli,
  PASSWORD,
  startServer,
  temporaryDirectory,
  type RunningServer,
} from "./processes.js";

const BIN = fileURLToPath(new URL("../../bin", import.meta.url));

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let server: RunningServer;
let env: Record<string, string>;

beforeAll(async () => {
  directory = await temporaryDirectory();
  server = await startServer({ dataDir: join(directory.path, "data") });
  env = {
    HOME: directory.path,
    VAULT_ADDR: server.address,
    PATH: `${BIN}:${process.env.PATH ?? ""}`,
    LC_ALL: "C.UTF-8",
  };
  await succeed(["unlock"], PASSWORD);
  for (const name of ["github", "gitlab"]) {
    const type = ["--type", "bearer", "--bearer-stdin", "--base-url", "https://api.example"];
    await succeed(["service", "add", name, ...type], "s3cret-0123");
  }
});

afterAll(async () => {
  await server.stop();
  await directory.remove();
});

async function succeed(args: string[], stdin = ""): Promise<string> {
  const result = await cli(args, { stdin, env });
  expect(result, args.join(" ")).toMatchObject({ code: 0 });
  return result.stdout;
}

async function shell(program: string, args: string[], more = {}): Promise<string> {
  const options = { env: cleanEnvironment({ ...env, ...more }), cwd: directory.path };
  return (await promisify(execFile)(program, args, options)).stdout;
}

/** What bash offers for the last of `words`. */
async function bash(...words: string[]): Promise<string[]> {
  const script = `eval "$(vault-cli completion bash)"
    COMP_WORDS=(vault-cli "$@"); COMP_CWORD=$#
    _vault_cli
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  return (await shell("bash", ["-c", script, "bash", ...words])).split("\n").filter((word) => word !== "");
}

describe("bash offers", () => {
  test.each([
    [["tok"], ["token"]],
    [
      ["token", ""],
      ["create", "child", "list", "revoke", "resume"],
    ],
    [["service", "host-key", "p"], ["pin"]],
    [
      ["service", "show", "git"],
      ["github", "gitlab"],
    ],
    [["proxy", "githu"], ["github"]],
    [
      ["token", "create", "--service", "g"],
      ["github", "gitlab"],
    ],
    [["token", "create", "ad"], ["admin"]],
    [["completion", "z"], ["zsh"]],
    [["unlock", "--idle"], ["--idle-timeout"]],
    [["--js"], ["--json"]],
    [["--addr", "http://127.0.0.1:1", "heal"], ["health"]],
    [["run", "--env", "opena"], ["openai"]],
    [["run", "--env", "aws"], []],
    [["run", "--", "vault-cl"], ["vault-cli"]],
    [["proxy", "github", "PAT"], ["PATCH"]],
    [["--v"], ["--version"]],
    [["file", "upload", "x", ""], []],
    [["__comp"], []],
  ])("for %j: %j", async (words, expected) => {
    expect(await bash(...words)).toEqual(expect.arrayContaining(expected));
    if (expected.length < 3) expect((await bash(...words)).length).toBe(expected.length);
  });
});

test("fish offers words with what they are", async () => {
  await succeed(["completion", "fish"]);
  const complete = (line: string) =>
    shell("fish", ["--no-config", "-c", `vault-cli completion fish | source; complete -C '${line}'`]);
  expect(await complete("vault-cli tok")).toBe("token\tThe tokens that agents use\n");
  expect(await complete("vault-cli service show githu")).toBe("github\n");
  expect(await complete("vault-cli run --env openai -- vault-cli service show githu")).toBe("github\n");
  await writeFile(join(directory.path, "githubbed"), "");
  expect(await complete("vault-cli policy show githubb")).toBe("");
  expect(await complete("vault-cli policy add githubb")).toBe("githubbed\n");
});

test("zsh hands on words with what they are, files where they fit, and other programs' lines", async () => {
  const script = `compdef() { : }
    _describe() { print -l -- "\${(@P)4}" }
    _files() { print files }
    _normal() { print "$CURRENT of $words" }
    eval "$(vault-cli completion zsh)"
    complete-words() { local -a words=("$@"); local CURRENT=$#; _vault_cli }
    complete-words vault-cli tok
    complete-words vault-cli service show githu
    complete-words vault-cli policy show x
    complete-words vault-cli policy add x
    complete-words vault-cli run -- git sta`;
  expect(await shell("zsh", ["-f", "-c", script])).toBe(
    "token:The tokens that agents use\ngithub\nfiles\n2 of git sta\n",
  );
});

test("a vault that is locked, or does not answer, costs names and nothing else", async () => {
  const result = await cli(["__complete", "--", "service", "show", ""], {
    env: { ...env, VAULT_ADDR: "http://127.0.0.1:1" },
  });
  expect(result).toEqual({ code: 0, stdout: "\tnothing\n", stderr: "" });
});

test("--quiet leaves out confirmations and notes, not results", async () => {
  expect(await cli(["unlock", "--quiet"], { env, stdin: PASSWORD })).toEqual({
    code: 0,
    stdout: "",
    stderr: "",
  });
  const created = await cli(["token", "create", "--quiet"], { env });
  expect(created).toMatchObject({ code: 0, stderr: "" });
  expect(created.stdout).toMatch(/^tok_/);
  const revoked = await cli(["--quiet", "token", "revoke", created.stdout.trim(), "--yes"], { env });
  expect(revoked).toEqual({ code: 0, stdout: "", stderr: "" });
  expect(await cli(["lock", "--quiet"], { env })).toEqual({ code: 0, stdout: "", stderr: "" });
});

test("with bin/ on PATH, both programs are commands for whatever `run` starts too", async () => {
  await succeed(["unlock"], PASSWORD);
  const script = "vault-cli --version && vault-server --version && vault-cli health --quiet";
  const said = await shell("vault-cli", ["run", "--quiet", "--", "sh", "-c", script]);
  expect(said).toMatch(/^\d+\.\d+\.\d+\n\d+\.\d+\.\d+\n/);
});
