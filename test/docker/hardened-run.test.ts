import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { temporaryDirectory } from "../live/processes.js";
import { composeFacts, composeServices, imageFacts } from "./deployment-files.js";
import {
  createContainerHost,
  filesBelow,
  outputFrom,
  statusOf,
  type ContainerHost,
  type RunningContainer,
} from "./hardened-container.js";

const REDIS_PORT = 6379;
const REDIS_SECRET = "the password of the server itself";

const image = imageFacts();
const compose = composeFacts();
const passwordFile = compose.environment.VAULT_PASSWORD_FILE!;

describe("the built server in a container as compose.yaml describes it", () => {
  let host: ContainerHost;
  let container: RunningContainer;

  const start = (): Promise<RunningContainer> => host.start("vault-server", compose.args);
  const vaultCli = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await container.exec("vault-cli", args);
    if (code !== 0) throw new Error(`vault-cli ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };

  beforeAll(async () => {
    host = await createContainerHost({
      user: compose.user,
      environment: { ...image.environment, ...compose.environment },
    });
    const [made, again] = [
      await host.runOnce("make-password", composeServices().password.command),
      await host.runOnce("make-password", composeServices().password.command),
    ];
    expect(made).toEqual({ code: 0, stdout: `A new password is in ${passwordFile}\n`, stderr: "" });
    expect(again).toEqual({ code: 0, stdout: `${passwordFile} is there already\n`, stderr: "" });
    container = await start();
  });

  afterAll(async () => {
    await host.remove();
  });

  test("makes a password once, for its own user alone", async () => {
    expect(await filesBelow(host.passwords)).toEqual(["vault-password"]);
    const file = join(host.passwords, "vault-password");
    const { mode, uid } = await stat(file);
    expect([mode & 0o777, `${uid}`]).toEqual([0o400, compose.user.split(":")[0]]);
    expect(await readFile(file, "utf8")).toMatch(/^[\w-]{43}\n$/);
  });

  test("starts, makes the vault, is unlocked, and has nothing to warn of", async () => {
    expect(container.log()).toContain("vault created");
    expect(container.log()).toContain("unlocked with the password file");
    expect(container.log()).not.toMatch(/WARN|ERROR/);
    expect(await vaultCli("health")).toBe("vault: unlocked");
  });

  test("has no capabilities, cannot get any, and is not root", async () => {
    const status = await statusOf(container.pid);
    expect(status.get("Uid")).toBe(Array(4).fill(image.user.split(":")[0]).join("\t"));
    for (const set of ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"])
      expect(status.get(set)).toMatch(/^0+$/);
    expect(status.get("NoNewPrivs")).toBe("1");
    expect(status.get("NSpid")?.split("\t").at(-1)).toBe("1");
  });

  test.each(["/x", "/etc/x", "/run/x", "/repository/x", `${passwordFile}.x`, "/var/lib/x"])(
    "cannot write %s",
    async (path) => {
      const { stdout } = await container.exec("-p", [
        `try { fs.writeFileSync("${path}", "") } catch (e) { e.code }`,
      ]);
      expect(stdout.trim()).toBe("EROFS");
    },
  );

  test("is used from within, and from the machine through its ports, by a token", async () => {
    await vaultCli("unlock", "--password-file", passwordFile);
    const token = await vaultCli("token", "create", "--name", "agent");
    const answer = await outputFrom("nsenter", [
      ...["--target", String(container.pid), "--net", "--", "curl", "--silent", "--show-error"],
      ...["--header", `Authorization: Bearer ${token}`, `http://127.0.0.1:${image.port}/services`],
    ]);
    expect(JSON.parse(answer)).toEqual([]);
  });

  test("logs a client in at a server, through a port of the published range and by the session's password", async () => {
    const directory = await temporaryDirectory();
    const settings = join(directory.path, "redis.conf");
    await writeFile(settings, `port ${REDIS_PORT}\nbind 127.0.0.1\nsave ""\nrequirepass "${REDIS_SECRET}"\n`);
    const redis = await container.spawnBeside("redis-server", [settings], "Ready to accept connections");
    try {
      const definition = {
        name: "cache",
        auth: {
          type: "redis",
          redis_host: "127.0.0.1",
          redis_port: REDIS_PORT,
          redis_password: REDIS_SECRET,
          redis_tls: false,
        },
        allow_private: true,
      };
      const added = await container.exec("-e", [
        `const fs = require("node:fs"); fs.writeFileSync("/tmp/service.json", process.argv[1])`,
        JSON.stringify(definition),
      ]);
      expect(added.stderr).toBe("");
      await vaultCli("service", "add", "--from-json", "/tmp/service.json");
      const url = await vaultCli("redis", "cache", "--url", "--max-connections", "5", "--timeout", "1m");
      const { port, password } = new URL(url);
      const [first, last] = /(\d+)-(\d+)$/.exec(compose.ports.at(-1)!)!.slice(1).map(Number);
      expect(Number(port)).toBeGreaterThanOrEqual(first!);
      expect(Number(port)).toBeLessThanOrEqual(last!);
      const ping = (...login: string[]): Promise<string> =>
        outputFrom("nsenter", [
          ...["--target", String(container.pid), "--net", "--", "redis-cli", "-p", port, ...login, "ping"],
        ]);
      expect(await ping("--no-auth-warning", "--user", "vault", "--pass", password)).toBe("PONG\n");
      expect(await ping()).toContain("NOAUTH");
    } finally {
      redis.kill("SIGKILL");
      await directory.remove();
    }
  });

  test("ends with 0 on SIGTERM, and leaves nothing but the data directory", async () => {
    expect(await container.stop("SIGTERM")).toBe(0);
    const below = await filesBelow(host.state);
    expect(below).toEqual(["data", "data/audit.jsonl", "data/vault.enc", "data/vault.enc.bak"]);
    for (const name of below) {
      const { mode } = await stat(join(host.state, name));
      expect([name, mode & 0o777]).toEqual([name, name === "data" ? 0o700 : 0o600]);
    }
  });

  test("comes back with what it had, unlocked", async () => {
    container = await start();
    expect(container.log()).not.toContain("vault created");
    await vaultCli("unlock", "--password-file", passwordFile);
    expect(await vaultCli("service", "list")).toContain("cache");
    expect(await container.stop("SIGINT")).toBe(0);
  });
});
