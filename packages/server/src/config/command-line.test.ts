import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parseCommandLine } from "./command-line.js";
import { isLoopback, parseListenAddress } from "./listen-address.js";

const parse = (argv: string[], environment: Record<string, string> = {}) =>
  parseCommandLine(argv, environment, "1.2.3");

function configOf(argv: string[], environment: Record<string, string> = {}) {
  const result = parse(argv, environment);
  if (result.kind !== "run") throw new Error(`not run: ${result.text}`);
  return result.config;
}

function usageOf(argv: string[], environment: Record<string, string> = {}): string {
  const result = parse(argv, environment);
  return result.kind === "usage" ? result.text : "accepted";
}

test("the defaults are those of the contract", () => {
  expect(configOf([])).toEqual({
    listen: { kind: "tcp", host: "127.0.0.1", port: 8390 },
    dataDir: join(homedir(), ".vault-proxy"),
    tokenTtlMs: 86_400_000,
    tls: undefined,
    egressProxy: undefined,
    sessions: { host: "127.0.0.1", ports: undefined },
    allowedHosts: [],
    passwordFile: undefined,
    passwordCredential: undefined,
    workers: 1,
    audit: true,
    logFormat: "text",
    logLevel: "info",
  });
});

test("every flag has a variable, and the flag wins", () => {
  const environment = {
    VAULT_LISTEN: "127.0.0.1:1",
    VAULT_DATA_DIR: "/tmp/a",
    VAULT_TOKEN_TTL: "2h",
    VAULT_HTTP_PROXY: "http://proxy.example:3128",
    VAULT_SESSION_HOST: "0.0.0.0",
    VAULT_SESSION_PORTS: "20000-20100",
    VAULT_ALLOWED_HOSTS: "a.example, b.example",
    VAULT_PASSWORD_FILE: "/tmp/p",
    VAULT_WORKERS: "4",
    VAULT_AUDIT: "off",
    VAULT_LOG_FORMAT: "json",
    VAULT_LOG_LEVEL: "debug",
    VAULT_TLS_CERT: "/tmp/c",
    VAULT_TLS_KEY: "/tmp/k",
  };
  const config = configOf(["--listen", "127.0.0.1:2"], environment);
  expect(config).toMatchObject({
    listen: { port: 2 },
    dataDir: "/tmp/a",
    tokenTtlMs: 7_200_000,
    sessions: { host: "0.0.0.0", ports: { first: 20_000, last: 20_100 } },
    workers: 4,
    allowedHosts: ["a.example", "b.example"],
    passwordFile: "/tmp/p",
    audit: false,
    logFormat: "json",
    logLevel: "debug",
    tls: { certPath: "/tmp/c", keyPath: "/tmp/k" },
  });
  expect(config.egressProxy?.href).toBe("http://proxy.example:3128/");
});

describe("where sessions listen", () => {
  test.each([
    ["localhost", "127.0.0.1"],
    ["[::1]", "::1"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["::", "::"],
    ["172.17.0.2", "172.17.0.2"],
  ])("%s is an address", (text, host) => {
    expect(configOf(["--session-host", text]).sessions.host).toBe(host);
  });

  test.each(["", "example.com", "127.0.0.1:80", "0x7f.1"])("%j is none", (text) => {
    expect(usageOf(["--session-host", text])).toMatch("--session-host: must be an address");
  });

  test.each(["", "20000", "20100-20000", "0-10", "1-65536", "1-2-3", "a-b", "-5"])(
    "%j is no range of ports",
    (text) => {
      expect(usageOf([`--session-ports=${text}`])).toMatch("--session-ports: must be two ports");
    },
  );

  test("one port is a range too", () => {
    expect(configOf(["--session-ports", "5000-5000"]).sessions.ports).toEqual({ first: 5000, last: 5000 });
  });
});

describe("the password at start", () => {
  const systemd = { CREDENTIALS_DIRECTORY: "/run/credentials/vault.service" };

  test("may be a systemd credential", () => {
    expect(configOf([], systemd)).toMatchObject({
      passwordFile: undefined,
      passwordCredential: "/run/credentials/vault.service/vault-password",
    });
    expect(configOf([], { CREDENTIALS_DIRECTORY: "" }).passwordCredential).toBeUndefined();
  });

  test.each([
    [["--password-file", "/tmp/p"], systemd],
    [[], { ...systemd, VAULT_PASSWORD_FILE: "/tmp/p" }],
  ])("is in a file that %j or the environment names, before any credential", (argv, environment) => {
    expect(configOf(argv, environment)).toMatchObject({
      passwordFile: "/tmp/p",
      passwordCredential: undefined,
    });
  });

  test("is described by the help", () => {
    const help = parse(["--help"]);
    expect(help.kind === "print" && help.text).toMatch(/--password-file.*systemd credential vault-password/s);
  });
});

describe("a non-loopback address without TLS", () => {
  test.each([
    "0.0.0.0:8390",
    "[::]:8390",
    ":8390",
    "192.168.1.5:80",
    "example.com:80",
    "[::ffff:127.0.0.1]:80",
  ])("%s is refused with the reason and three ways out", (listen) => {
    const text = usageOf(["--listen", listen]);
    expect(text).toContain("without TLS");
    expect(text).toMatch(/1\. .*127\.0\.0\.1.*\n.*2\. .*--tls-cert.*\n.*3\. .*--allow-plaintext-bind/);
  });

  test("is accepted with TLS, or when the admin says so", () => {
    const all = ["--listen", "0.0.0.0:8390"];
    expect(configOf([...all, "--tls-cert", "c", "--tls-key", "k"]).tls).toBeDefined();
    expect(configOf([...all, "--allow-plaintext-bind"]).listen).toMatchObject({ host: "0.0.0.0" });
    expect(configOf(all, { VAULT_ALLOW_PLAINTEXT_BIND: "1" }).listen).toMatchObject({ host: "0.0.0.0" });
    expect(usageOf(all, { VAULT_ALLOW_PLAINTEXT_BIND: "false" })).toContain("without TLS");
    expect(usageOf(all, { VAULT_ALLOW_PLAINTEXT_BIND: "maybe" })).toContain("true or false");
  });
});

describe("wrong usage", () => {
  test.each([
    [["--listen", "nonsense"], "--listen"],
    [["--listen", "unix:relative"], "--listen"],
    [["--listen", "127.0.0.1:99999"], "--listen"],
    [["--listen", `unix:/${"x".repeat(107)}`], "107 bytes"],
    [["--data-dir", ""], "--data-dir"],
    [["--workers", "0"], "--workers"],
    [["--workers", "65"], "--workers"],
    [["--workers", "two"], "--workers"],
    [["--token-ttl", "1d"], "--token-ttl"],
    [["--token-ttl", "0"], "--token-ttl"],
    [["--tls-cert", "c"], "--tls-key"],
    [["--http-proxy", "socks5://x"], "--http-proxy"],
    [["--log-level", "loud"], "log-level"],
    [["--nope"], "--nope"],
    [["surprise"], "too many arguments"],
  ])("%j says %s", (argv, text) => {
    expect(usageOf(argv)).toContain(text);
  });

  test("a bad variable is named", () => {
    expect(usageOf([], { VAULT_LOG_FORMAT: "xml" })).toContain("VAULT_LOG_FORMAT");
  });

  test("the egress proxy's password is not repeated", () => {
    expect(usageOf(["--http-proxy", "ftp://user:hunter2@proxy"])).not.toContain("hunter2");
  });
});

test("--help and --version are printed, not run", () => {
  expect(parse(["--version"])).toEqual({ kind: "print", text: "1.2.3\n" });
  const help = parse(["--help"]);
  expect(help.kind === "print" && help.text).toContain("Examples:");
});

test.each([
  ["127.0.0.1:1", true],
  ["127.8.9.1:1", true],
  ["localhost:1", true],
  ["[::1]:1", true],
  ["unix:/a/b", true],
  ["10.0.0.1:1", false],
  ["127.0.0.1.example.com:1", false],
])("%s is loopback: %s", (text, expected) => {
  const address = parseListenAddress(text);
  expect(address !== undefined && isLoopback(address)).toBe(expected);
});
