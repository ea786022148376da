import { once } from "node:events";
import { chmod, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { CLI, finish, startCli } from "./testing/built-cli.js";
import { cliFixture } from "./testing/cli-fixture.js";
import { ADMIN_TOKEN, PASSWORD, PROXY_TOKEN, WARNINGS } from "./testing/fake-vault.js";

describe("usage", () => {
  test("no command shows the help on stderr and exits 2", async () => {
    const { run } = await cliFixture();
    for (const [args, heading] of [
      [[], "The vault:"],
      [["service"], "Commands:"],
    ] as const) {
      const { code, stdout, stderr } = await run(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toContain(`\n${heading}\n`);
    }
  });

  test("--help, help and --version go to stdout and exit 0", async () => {
    const { run } = await cliFixture();
    expect((await run(["--version"])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    const asked = await run(["service", "add", "--help"]);
    expect(asked).toMatchObject({ code: 0, stderr: "" });
    expect(asked.stdout).toContain("Examples:\n  vault-cli service add openai");
    expect((await run(["help", "service", "add"])).stdout).toBe(asked.stdout);
  });

  test("a symlink named vault shows its own name", async () => {
    const { home, env } = await cliFixture();
    const link = join(home, "vault");
    await symlink(CLI, link);
    const { stderr } = await finish(startCli(["proxy"], { HOME: home }, link));
    expect(stderr).toContain("see `vault proxy --help`");
    expect((await finish(startCli(["proxy", "api", "GET", "/x"], env, link))).stdout).toBe('{"ok":true}');
  });
});

describe("health, unlock and lock", () => {
  test("health needs no token", async () => {
    const { vault, run } = await cliFixture();
    vault.locked = true;
    expect(await run(["health"], { env: { VAULT_TOKEN: "" } })).toEqual({
      code: 0,
      stdout: "vault: locked\n",
      stderr: "",
    });
    const { stdout } = await run(["health", "--json"]);
    expect(JSON.parse(stdout)).toEqual({ status: "locked", initialized: true, version: "9.9.9" });
    expect(vault.requests.every((request) => request.headers.authorization === undefined)).toBe(true);
  });

  test("a missing server is told with what to do", async () => {
    const { run } = await cliFixture();
    const { code, stdout, stderr } = await run(["health", "--addr", "http://127.0.0.1:9"]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toBe(
      "error: cannot reach vault-server at http://127.0.0.1:9 (ECONNREFUSED): start one here with `vault-cli up`, or see that VAULT_ADDR is right\n",
    );
  });

  test("unlock reads the first line of standard input and saves a private session", async () => {
    const { vault, sessionPath, run } = await cliFixture();
    vault.locked = true;
    const unlocked = await run(["unlock"], { input: `${PASSWORD}\nignored\n`, env: { VAULT_TOKEN: "" } });
    expect(unlocked).toEqual({ code: 0, stdout: "Vault unlocked. Session saved.\n", stderr: "" });
    expect(await readFile(sessionPath, "utf8")).toBe(`${ADMIN_TOKEN}\n${vault.addr}\n`);
    expect((await stat(sessionPath)).mode & 0o777).toBe(0o600);
    const listed = await run(["service", "list"], { env: { VAULT_TOKEN: "" } });
    expect(listed.stdout).toBe("  api                  https://api.example (bearer)\n");
  });

  test("VAULT_TOKEN goes before the session", async () => {
    const { vault, run } = await cliFixture();
    await run(["unlock"], { input: PASSWORD });
    await run(["service", "list"], { env: { VAULT_TOKEN: PROXY_TOKEN } });
    expect(vault.requests.at(-1)!.headers.authorization).toBe(`Bearer ${PROXY_TOKEN}`);
  });

  test("a wrong password saves nothing and is repeated nowhere", async () => {
    const { sessionPath, run } = await cliFixture();
    const { code, stdout, stderr } = await run(["unlock"], { input: "hunter2hunter2\n" });
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: "", stderr: "error: wrong password\n" });
    await expect(stat(sessionPath)).rejects.toThrow("ENOENT");
  });

  test("details that are not shown are a warning, also as JSON and with --quiet", async () => {
    const { run } = await cliFixture();
    const warning = "warning: details are shown to admins, while the vault is unlocked\n";
    for (const how of ["--json", "--quiet"]) {
      expect(await run(["health", "--details", how])).toMatchObject({ code: 0, stderr: warning });
    }
  });

  test("an empty password is not sent", async () => {
    const { vault, run } = await cliFixture();
    expect(await run(["unlock"], { input: "\n" })).toMatchObject({
      code: 1,
      stderr: "error: no password was given: give it on standard input, or by --password-file\n",
    });
    expect(vault.requests.map((request) => request.url)).toEqual(["/health"]);
  });

  test("--password-file takes a file that others may read, with a warning", async () => {
    const { home, run } = await cliFixture();
    const file = join(home, "password");
    await writeFile(file, `${PASSWORD}\n`, { mode: 0o644 });
    const env = { VAULT_TOKEN: "" };
    const warned = await run(["unlock", "--password-file", file], { env });
    expect(warned).toMatchObject({ code: 0, stderr: `warning: other users may read ${file}\n` });
    await chmod(file, 0o600);
    const silent = await run(["unlock", "--password-file", file, "--json"], { env });
    expect(silent).toMatchObject({ code: 0, stderr: "" });
    expect(silent.stdout).toContain('"status": "unlocked"');
    expect((await run(["unlock", "--password-file", join(home, "none")])).stderr).toContain("cannot read");
  });

  test("lock ends the session, also when the vault is locked already", async () => {
    const { sessionPath, run, saveSession } = await cliFixture();
    for (let times = 0; times < 2; times++) {
      await saveSession();
      const locked = await run(["lock"], { env: { VAULT_TOKEN: "" } });
      expect(locked).toEqual({ code: 0, stdout: "Vault locked.\n", stderr: "" });
      await expect(stat(sessionPath)).rejects.toThrow("ENOENT");
    }
  });

  test("a lock that is refused keeps the session", async () => {
    const { sessionPath, run, saveSession } = await cliFixture();
    await saveSession();
    const refused = await run(["lock"], { env: { VAULT_TOKEN: PROXY_TOKEN } });
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toContain("VAULT_TOKEN is set and is not an admin token: unset it");
    expect(await readFile(sessionPath, "utf8")).toContain(ADMIN_TOKEN);
  });

  test("a locked vault and a bad token say what to do, with --json in JSON", async () => {
    const { vault, run } = await cliFixture();
    expect((await run(["service", "list"], { env: { VAULT_TOKEN: "" } })).stderr).toBe(
      "error: there is no session: run `vault-cli unlock`, or set VAULT_TOKEN\n",
    );
    vault.locked = true;
    expect(await run(["service", "list"])).toEqual({
      code: 1,
      stdout: "",
      stderr: "error: vault is locked: run `vault-cli unlock`\n",
    });
    const { stderr } = await run(["token", "list", "--json"]);
    expect(JSON.parse(stderr)).toMatchObject({ code: "vault_locked", status: 423 });
  });
});

describe("service", () => {
  const flags = ["service", "add", "new", "--base-url", "https://api.example"];

  test("add takes the secret from standard input or a file", async () => {
    const { home, run, lastBody } = await cliFixture();
    expect(await run([...flags, "--bearer-stdin", "--allow-private"], { input: "sk-hush\n" })).toEqual({
      code: 0,
      stdout: "Service added.\n",
      stderr: "",
    });
    const base = { name: "new", base_url: "https://api.example" };
    expect(lastBody()).toEqual({ ...base, auth: { type: "bearer", token: "sk-hush" }, allow_private: true });

    const file = join(home, "secret");
    await writeFile(file, "one\ntwo\n");
    await writeFile(join(home, "ca.pem"), "PEM");
    const names = ["--type", "headers", "--header-name", "A", "--header-name", "B"];
    await run([...flags, ...names, "--secret-file", file, "--tls-ca", join(home, "ca.pem")]);
    expect(lastBody()).toEqual({
      ...base,
      auth: { type: "headers", headers: { A: "one", B: "two" } },
      tls_ca: "PEM",
    });
  });

  test("add takes a whole service as JSON, from a file, standard input or, with a warning, an argument", async () => {
    const { home, run, lastBody } = await cliFixture();
    const definition = { name: "api", base_url: "https://x", auth: { type: "bearer", token: "sk-hush" } };
    const text = JSON.stringify(definition);
    const file = join(home, "service.json");
    await writeFile(file, text);
    for (const [args, input] of [
      [["--from-json", file], ""],
      [["--from-json", "-"], text],
      [[], text],
    ] as const) {
      expect(await run(["service", "add", ...args], { input })).toMatchObject({ code: 0, stderr: "" });
      expect(lastBody()).toEqual(definition);
    }
    const shown = await run(["service", "add", text]);
    expect(shown).toMatchObject({ code: 0, stdout: "Service added.\n" });
    expect(shown.stderr).toContain("warning:");
    expect(shown.stderr).not.toContain("sk-hush");
  });

  test("add tells on stderr what the vault warns of, and with --json in the JSON", async () => {
    const { run } = await cliFixture();
    expect(await run([...flags, "--bearer-stdin"], { input: "short" })).toEqual({
      code: 0,
      stdout: "Service added.\n",
      stderr: WARNINGS.map((warning) => `warning: ${warning}\n`).join(""),
    });
    const inJson = await run([...flags, "--bearer-stdin", "--json"], { input: "short" });
    expect(inJson).toMatchObject({ code: 0, stderr: "" });
    expect(JSON.parse(inJson.stdout)).toMatchObject({ warnings: WARNINGS });
  });

  test("answers are scrubbed unless --no-scrub is given, which show shows", async () => {
    const { run, lastBody } = await cliFixture();
    await run([...flags, "--bearer-stdin"], { input: "sk-hush" });
    expect(lastBody()).not.toHaveProperty("scrub");
    await run([...flags, "--bearer-stdin", "--no-scrub"], { input: "sk-hush" });
    expect(lastBody()).toHaveProperty("scrub", "off");
    expect((await run(["service", "show", "unscrubbed"])).stdout).toMatch(/^scrub: +off$/m);
    expect((await run(["service", "show", "api"])).stdout).not.toContain("scrub");
  });

  test("show, list, test and remove", async () => {
    const { run } = await cliFixture();
    expect((await run(["service", "show", "api"])).stdout).toContain(
      "base_url:        https://api.example\n",
    );
    expect(JSON.parse((await run(["service", "list", "--json"])).stdout)).toHaveLength(1);
    expect(await run(["service", "test", "api"])).toMatchObject({ code: 0, stdout: "api: ok (HTTP 200)\n" });
    expect(await run(["service", "test", "api", "--path", "/401"])).toEqual({
      code: 1,
      stdout: "",
      stderr: expect.stringMatching(
        /^error: api: the API refused the credential \(HTTP 401\)[^]*`vault-cli service update api` replaces it\n$/,
      ) as string,
    });
    const unknown = await run(["service", "test", "nope", "--json"]);
    expect(unknown.code).toBe(1);
    expect(JSON.parse(unknown.stdout)).toMatchObject({ ok: false, status: 404, code: "not_found" });
    expect(await run(["service", "remove", "api"])).toMatchObject({ code: 0, stdout: "Service removed.\n" });
    expect(await run(["service", "remove", "nope"])).toMatchObject({
      code: 1,
      stderr: "error: no such thing\n",
    });
  });
});

describe("token", () => {
  test("create prints the token alone on stdout", async () => {
    const { run, lastBody } = await cliFixture();
    const created = await run(["token", "create", "proxy", "--name", "bot", "--ttl", "8h"]);
    expect(created).toEqual({
      code: 0,
      stdout: `${PROXY_TOKEN}\n`,
      stderr: "scope proxy, valid until 2030-01-02T00:00:00Z\n",
    });
    expect(lastBody()).toEqual({ scope: "proxy", name: "bot", ttl: "8h" });
    expect(JSON.parse((await run(["token", "create", "--json"])).stdout)).toMatchObject({ id: PROXY_TOKEN });
  });

  test("list is JSON when piped; revoke takes a prefix or standard input", async () => {
    const { run } = await cliFixture();
    expect(JSON.parse((await run(["token", "list"])).stdout)).toMatchObject([{ id_prefix: "tok_AAAA..." }]);
    expect((await run(["token", "revoke", "tok_AAAA..."])).stdout).toBe("Token revoked.\n");
    expect((await run(["token", "revoke", "-"], { input: `${PROXY_TOKEN}\n` })).stdout).toBe(
      "Token revoked.\n",
    );
    expect((await run(["token", "revoke", "-"])).code).toBe(2);
  });

  test("resume takes a prefix or standard input, and asks nothing", async () => {
    const { vault, run } = await cliFixture();
    const resumed = { code: 0, stdout: "Token resumed.\n", stderr: "" };
    expect(await run(["token", "resume", "tok_AAAA..."])).toEqual(resumed);
    expect(await run(["token", "resume", "-"], { input: `${PROXY_TOKEN}\n` })).toEqual(resumed);
    expect(vault.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "POST /tokens/tok_AAAA.../resume",
      `POST /tokens/${PROXY_TOKEN}/resume`,
    ]);
    const inJson = await run(["token", "resume", "tok_AAAA...", "--json"]);
    expect(JSON.parse(inJson.stdout)).toEqual({ status: "active" });
    expect((await run(["token", "resume", "-"])).code).toBe(2);
    expect(await run(["token", "resume", "tok_none"])).toMatchObject({ code: 1, stdout: "" });
    const unasked = await run(["token", "resume", "tok_AAAA..."], { env: { VAULT_TOKEN: PROXY_TOKEN } });
    expect(unasked).toMatchObject({ code: 1, stdout: "" });
  });
});

describe("file", () => {
  test("upload, list, download and delete", async () => {
    const { vault, home, run } = await cliFixture();
    const source = join(home, "source.json");
    await writeFile(source, "content");
    expect((await run(["file", "upload", "key.json", source])).stdout).toBe('File "key.json" uploaded.\n');
    expect(vault.requests.at(-1)!.body).toContain("content");
    expect((await run(["file", "list"])).stdout).toContain(
      "key.json                       application/json (7 bytes)",
    );
    const target = join(home, "saved.json");
    await writeFile(target, "older and longer content", { mode: 0o644 });
    expect((await run(["file", "download", "key.json", target])).stdout).toBe(
      `File "key.json" saved to ${target} (7 bytes)\n`,
    );
    expect(await readFile(target, "utf8")).toBe("content");
    expect((await stat(target)).mode & 0o777).toBe(0o600);
    expect(await run(["file", "download", "key.json", "-"])).toEqual({
      code: 0,
      stdout: "content",
      stderr: "",
    });
    expect((await run(["file", "delete", "key.json"])).stdout).toBe("File deleted.\n");
    expect((await run(["file", "upload", "x", join(home, "none")])).stderr).toContain("cannot read");
  });
});

describe("proxy and http", () => {
  test("sends method, path, headers and body as given", async () => {
    const { vault, run } = await cliFixture();
    const path = "/a%2Fb/%25ef?x=%20+'";
    const args = [
      "proxy",
      "api",
      "post",
      path,
      '{"a":1}',
      "-H",
      "X-One: 1",
      "-H",
      "content-type: application/x-a",
    ];
    expect(await run(args)).toEqual({ code: 0, stdout: '{"ok":true}', stderr: "" });
    expect(vault.requests[0]).toMatchObject({
      method: "POST",
      url: `/proxy/api${path}`,
      body: '{"a":1}',
      headers: { "x-one": "1", "content-type": "application/x-a" },
    });
    await run(["http", "-s", "api", "-m", "PUT", "-p", "/x", "-b", "body"]);
    expect(vault.requests[1]).toMatchObject({
      method: "PUT",
      url: "/proxy/api/x",
      body: "body",
      headers: { "content-type": "application/json" },
    });
  });

  test("takes the body from standard input or a file", async () => {
    const { vault, home, run } = await cliFixture();
    const file = join(home, "body");
    await writeFile(file, "from a file");
    await run(["proxy", "api", "POST", "/x", "-"], { input: "from stdin" });
    await run(["proxy", "api", "POST", "/x", `@${file}`]);
    expect(vault.requests.map((request) => request.body)).toEqual(["from stdin", "from a file"]);
    expect(vault.requests[1]!.headers["content-length"]).toBe("11");
    for (const args of [
      ["proxy", "api", "POST", "/x", `@${file}x`],
      ["http", "-s", "api", "-m", "POST", "-p", "/x", "-b", `@${file}x`],
    ]) {
      expect(await run(args)).toEqual({
        code: 1,
        stdout: "",
        stderr: `error: cannot read ${file}x: there is no such file\n`,
      });
    }
    expect((await run(["proxy", "api", "POST", "/x", `@${home}`])).stderr).toContain("is no regular file");
  });

  test("streams both ways", async () => {
    const { env } = await cliFixture();
    const child = startCli(["proxy", "api", "POST", "/echo-first", "-"], env);
    for (const piece of ["one", "two"]) {
      child.stdin.write(piece);
      const [chunk] = (await once(child.stdout, "data")) as [Buffer];
      expect(chunk.toString()).toBe(piece);
    }
    expect(await finish(child)).toMatchObject({ code: 0, stderr: "" });
  });

  test("an error status exits 1 with the body on stdout", async () => {
    const { run } = await cliFixture();
    expect(await run(["proxy", "api", "GET", "/teapot"])).toEqual({
      code: 1,
      stdout: "short and stout",
      stderr: "HTTP 418\n",
    });
    const included = await run(["proxy", "-i", "api", "GET", "/teapot"]);
    expect(included.stderr).toContain("HTTP 418 I'm a Teapot\n");
    expect(included.stderr).toContain("x-kind: tea\n");
    expect(JSON.parse((await run(["proxy", "api", "GET", "/teapot", "--json"])).stdout)).toMatchObject({
      status: 418,
      headers: { "x-kind": "tea" },
      body: "short and stout",
    });
    expect(JSON.parse((await run(["proxy", "api", "GET", "/x", "--json"])).stdout)).toMatchObject({
      body: { ok: true },
    });
    expect(JSON.parse((await run(["proxy", "api", "GET", "/binary", "--json"])).stdout)).toMatchObject({
      body_base64: "/wA=",
    });
  });

  test("the vault's own refusal is an error, and so is a cut-off answer", async () => {
    const { run } = await cliFixture();
    expect(await run(["proxy", "nope", "GET", "/"])).toEqual({
      code: 1,
      stdout: "",
      stderr: 'error: no such service "nope": `vault-cli service list` shows what there is\n',
    });
    expect(await run(["proxy", "api", "GET", "/cut"])).toEqual({
      code: 1,
      stdout: "half",
      stderr: "error: the answer was cut off on the way\n",
    });
    expect((await run(["proxy", "api", "GET", "/a b"])).stderr).toContain("write it as %20");
    expect((await run(["proxy", "api", "GET", "/", "-H", "nonsense"])).code).toBe(2);
    expect((await run(["proxy", "api", "GET", "/", "--timeout", "soon"])).code).toBe(2);
  });

  test("an answer that comes before the input ends is the end", async () => {
    const { env } = await cliFixture();
    const child = startCli(["proxy", "api", "POST", "/early", "-"], env);
    child.stdin.write("never ending");
    const [code] = (await once(child, "exit")) as [number];
    expect(code).toBe(1);
    child.stdin.destroy();
  });

  test("a reader that has enough ends it quietly", async () => {
    const { env } = await cliFixture();
    const child = startCli(["proxy", "api", "GET", "/endless"], env);
    await once(child.stdout, "data");
    child.stdout.destroy();
    expect(await finish(child)).toMatchObject({ code: 0, stderr: "" });
  });
});
