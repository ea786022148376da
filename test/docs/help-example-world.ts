import { generateKeyPairSync } from "node:crypto";
import { chmod, copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { VaultClient, type PolicyRule, type ServiceDefinition } from "@vault-proxy/client";
import { noteSecret } from "../audit-secrets/used-secrets.js";
import { cliInProcess } from "../cli-transcripts/in-process-cli.js";
import { cli, PASSWORD, startServer, temporaryDirectory, type CliResult } from "../live/processes.js";
import { makeCertificates, startUpstream } from "../live/tls-upstream.js";
import { startSshd } from "../real-servers/openssh.js";
import { makeSshKeyFile } from "../real-servers/ssh-keys.js";
import { ADDED } from "./help-example-rules.js";
import type { ExampleCommand } from "./help-examples.js";

/** A vault takes one attempt a second. */
const ATTEMPT_PAUSE_MS = 1_100;
export const TRIES_PASSWORD = /vault-cli (?:unlock|password|vault recovery-key)/;
/** What examples start, or run at a server. */
const PROGRAMS = ["codex", "claude", "python3", "node", "psql", "redis-cli", "docker", "git", "curl"];
/** Files of the vault, and what examples call their copies. */
const COPIES: readonly (readonly [string, readonly string[]])[] = [
  ["vault.enc", ["mnt/backup/vault.enc", "work/backup.enc"]],
  ["audit.jsonl", ["mnt/archive/audit.jsonl"]],
];
const NEEDS_PROCESS = /^(?:run|up|down)(?: |$)| --exec /;
const SECRET = "examples-5ecret-7b1d0c9e";
noteSecret(SECRET);

const RULES: readonly PolicyRule[] = [
  { service: "github", methods: ["GET", "DELETE"], paths: ["/repos/**"] },
  { service: "prod", actions: ["exec"], commands: ["docker ps"] },
];
const PRIVATE_KEY = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ format: "pem", type: "pkcs8" })
  .toString();
const CLIENT_FILE = JSON.stringify({
  installed: {
    ...{ client_id: "ID", client_secret: SECRET, redirect_uris: ["http://localhost"] },
    ...{ auth_uri: "https://id.example.com/authorize", token_uri: "https://id.example.com/token" },
  },
});

/** One vault, with all that examples name. */
export interface HelpExampleWorld {
  /** @param input what the vault-cli before the pipe has given */
  run(command: ExampleCommand, input: string | undefined): Promise<CliResult>;
  close(): Promise<void>;
}

function filledIn(word: string, values: readonly (readonly [RegExp, string])[]): string {
  const [form, value] = values.find(([form]) => word.search(form) !== -1) ?? ["", ""];
  return word.replace(form, () => value);
}

export async function openHelpExampleWorld(): Promise<HelpExampleWorld> {
  const directory = await temporaryDirectory();
  const at = (...parts: readonly string[]): string => join(directory.path, ...parts);
  const home = at("home");
  const work = at("work");
  const shared = ["srv/releases", "srv/bin", "srv/app", "var/log/app"].map((name) => at(name));
  const own = [
    work,
    at("tmp"),
    at("mnt/backup"),
    at("mnt/archive"),
    join(home, ".ssh"),
    join(home, "Downloads"),
  ];
  for (const folder of [...shared, ...own, at("bin")]) await mkdir(folder, { recursive: true });
  // The user of the SSH server has a place there too.
  for (const folder of [directory.path, at("srv"), ...shared]) await chmod(folder, 0o777);
  for (const program of PROGRAMS) {
    await writeFile(at("bin", program), "#!/bin/sh\nexit 0\n");
    await chmod(at("bin", program), 0o755);
  }
  for (const remote of ["var/log/app/today.log", "srv/backup.tar", "srv/app/config.json"]) {
    await writeFile(at(remote), "{}");
  }
  await makeSshKeyFile(join(home, ".ssh/deploy"));
  await makeSshKeyFile(join(home, ".ssh/deploy-2026"));
  const certificates = await makeCertificates();
  const upstream = await startUpstream(certificates, (_, response) => {
    response.setHeader("Content-Type", "application/json");
    response.end('{"object":"list","data":[]}');
  });
  const sshd = await startSshd({
    login: "password",
    settings: { SetEnv: `PATH=${at("bin")}:/usr/bin:/bin` },
  });
  const hostKey = sshd.hostKeys()[0];
  const server = await startServer({ derivation: "real", dataDir: join(home, ".vault-proxy") });
  const admin = new VaultClient({ addr: server.address });
  await admin.unlock(PASSWORD);
  let isStopped = false;
  let password = PASSWORD;
  let lastAttempt = Date.now();
  const ca = await readFile(certificates.caPath, "utf8");
  const workDirectory = process.cwd();
  process.chdir(work);

  const files: Readonly<Record<string, string>> = {
    ...{
      "erp.secret": SECRET,
      "new-key.txt": SECRET,
      secret: SECRET,
      "issue.json": "{}",
      "photo.png": "png",
    },
    ...{
      "app.tar.gz": "tar",
      "deploy.sh": "#!/bin/sh",
      "report.sql": "select 1",
      "google.json": CLIENT_FILE,
    },
    "services.json": JSON.stringify([
      {
        name: "from-json",
        base_url: upstream.origin,
        allow_private: true,
        auth: { type: "bearer", token: SECRET },
      },
    ]),
    "key.json": JSON.stringify({
      type: "service_account",
      client_email: "a@b.example",
      private_key: PRIVATE_KEY,
      token_uri: "https://id.example.com/token",
    }),
    "app.pem": PRIVATE_KEY,
    ...Object.fromEntries(
      ["triage-bot", "new", "narrower", "part"].map((name) => [
        `${name}.yaml`,
        JSON.stringify({ ...(name === "triage-bot" ? { name } : {}), rules: RULES }),
      ]),
    ),
  };

  /** As it is before any example, whatever the one before has made of it. */
  async function prepare(words: string): Promise<void> {
    const stub = { base_url: upstream.origin, allow_private: true, tls_ca: ca };
    const definitions: ServiceDefinition[] = ["openai", "github", "photos", "internal", "my-claude"].map(
      (name) => ({
        ...{ ...stub, name },
        auth: { type: "bearer", token: SECRET },
      }),
    );
    for (const name of ["box", "prod", "db"]) {
      const login = { ssh_user: sshd.user, ssh_password: sshd.password };
      const place = { ssh_host: "127.0.0.1", ssh_port: sshd.port };
      const key =
        name === "box" && words.includes("host-key clear") ? { ssh_host_key: hostKey?.fingerprint } : {};
      definitions.push({ name, allow_private: true, auth: { type: "ssh_key", ...place, ...login, ...key } });
    }
    const database = {
      postgres_host: "127.0.0.1",
      postgres_port: 1,
      postgres_user: "app",
      postgres_db: "orders",
    };
    const cache = { redis_host: "127.0.0.1", redis_port: 1, redis_password: SECRET };
    definitions.push(
      {
        name: "orders",
        allow_private: true,
        auth: { type: "postgres", ...database, postgres_password: SECRET },
      },
      { name: "cache", allow_private: true, auth: { type: "redis", ...cache } },
      {
        ...{ name: "mail", allow_private: true },
        auth: words.startsWith("smtp")
          ? { type: "smtp", smtp_host: "127.0.0.1", smtp_port: 1, smtp_user: "ann", smtp_password: SECRET }
          : { type: "imap", imap_host: "127.0.0.1", imap_port: 1, imap_user: "ann", imap_password: SECRET },
      },
    );
    const [, , added = ""] = words.split(" ");
    const there = new Set((await admin.listServices()).map(({ name }) => name));
    if (words.startsWith("service add") && there.has(added)) await admin.removeService(added);
    for (const definition of definitions) {
      if (words.startsWith("service add") && definition.name === added) continue;
      const isNamed = words.split(" ").includes(definition.name);
      if (
        !there.has(definition.name) ||
        (isNamed && /^(?:service (?:add|update|remove|test|host-key)|imap|smtp) /.test(words))
      ) {
        await admin.addService(definition);
      }
    }
    for (const [name, text] of Object.entries(files)) await writeFile(name, text, { mode: 0o600 });
    await writeFile("old", password, { mode: 0o600 });
    await writeFile("new", `${password}+`, { mode: 0o600 });
    await writeFile(join(home, ".vault-password"), password, { mode: 0o600 });
    await writeFile(join(home, "Downloads/client_secret.json"), CLIENT_FILE);
    const stored = new Set((await admin.listFiles()).map(({ name }) => name));
    for (const name of ["google.json", "key.json", "app.pem"]) {
      if (!stored.has(name)) await admin.uploadFile(name, new TextEncoder().encode(files[name] ?? ""));
    }
    if (words.startsWith("file upload")) await admin.deleteFile("google.json");
    if (/^(?:policy|token|run)/.test(words)) await admin.addPolicy({ name: "triage-bot", rules: RULES });
    if (words.startsWith("policy learn")) await useTokens();
    if (words === "policy remove triage-bot") {
      for (const { id_prefix, policy } of await admin.listTokens()) {
        if (policy === "triage-bot") await admin.revokeToken(id_prefix);
      }
    }
    for (const [name, copies] of COPIES) {
      for (const copy of copies) await copyFile(join(home, ".vault-proxy", name), at(copy));
    }
    if (/^vault backup (?!.*--force)/.test(words)) {
      await rm(at(words.split(" ")[2] ?? ""), { force: true });
    }
  }

  /** What a policy can be learned from. */
  async function useTokens(): Promise<void> {
    for (const name of ["bot", "triage-bot"]) {
      const agent = new VaultClient({
        addr: server.address,
        token: await admin.createToken({ scope: "proxy", name }),
      });
      const answer = await agent.proxy("github", "GET", "/repos/acme/app");
      await answer.text();
    }
  }

  async function startedLogin(): Promise<string> {
    const { flow } = await admin.oauthAuthorize({
      ...{ service_name: "own", base_url: "https://api.example.com", client_id: "ID", client_secret: SECRET },
      ...{ auth_url: "https://id.example.com/authorize", token_url: "https://id.example.com/token" },
    });
    return flow;
  }

  /** What another program, a file or a person gives. */
  function stdinOf({ args, pipedFrom = "", inputFile = "" }: ExampleCommand, token: string): string {
    const line = args.join(" ");
    if (pipedFrom.startsWith("echo")) return `${token}\n`;
    if (pipedFrom.startsWith("printf")) return `${password}\n${password}+\n`;
    if (line.includes("host-key pin")) return `box.example.com ${hostKey?.publicLine ?? ""}\n`;
    if (inputFile !== "") return `${files[inputFile] ?? ""}\n`;
    if (/^(?:service|oauth)/.test(line)) return `${SECRET}\n`;
    if (/^password change$/.test(line)) return `${password}\n${password}+\n`;
    return /^(?:unlock|up|vault|audit verify)/.test(line) ? `${password}\n` : "";
  }

  return {
    async run({ args, pipedFrom, inputFile }, input) {
      const line = args.join(" ");
      if (!isStopped) await prepare(line);
      const token = /^(?:token|policy learn)/.test(line)
        ? await admin.createToken({ scope: "proxy", name: "bot" })
        : "";
      if (line.startsWith("policy learn")) {
        const agent = new VaultClient({ addr: server.address, token });
        await (await agent.proxy("github", "GET", "/repos/acme/app")).text();
      }
      const session = line.startsWith("session close") ? await admin.session("redis", "cache") : undefined;
      const login = line.startsWith("oauth cancel") ? await startedLogin() : undefined;
      const values: readonly (readonly [RegExp, string])[] = [
        [/^\{upstream\}$/, upstream.origin],
        [/^\{ca\}$/, certificates.caPath],
        [/^~\//, `${home}/`],
        [/(?<=^| )\/(?=(?:srv|mnt|tmp|var\/log|var\/lib)\/)/, `${directory.path}/`],
        [/^tok_.*$/, token.slice(0, 12)],
        [/^3q2-7w…$/, login ?? ""],
        [/^SHA256:.*$/, hostKey?.fingerprint ?? ""],
        [/^ses_.*$|^<id>$/, session?.id ?? ""],
      ];
      const words = [...args, ...ADDED.flatMap(([form, more]) => (form.test(line) ? more : []))].map((word) =>
        filledIn(word, values),
      );
      if (TRIES_PASSWORD.test(`vault-cli ${line}`)) {
        await sleep(Math.max(0, lastAttempt + ATTEMPT_PAUSE_MS - Date.now()));
      }
      const env = {
        ...{ HOME: home, VAULT_ADDR: server.address, TZ: "UTC" },
        VAULT_TOKEN: line.startsWith("token child") ? token : admin.token,
      };
      const stdin = input ?? stdinOf({ args, pipedFrom, inputFile }, token);
      const result = NEEDS_PROCESS.test(line)
        ? await cli(words, { env: { ...env, PATH: `${at("bin")}:${process.env.PATH ?? ""}` }, stdin })
        : await cliInProcess(words, { env, stdin });
      if (TRIES_PASSWORD.test(`vault-cli ${line}`)) lastAttempt = Date.now();
      if (line.startsWith("password change") && result.code === 0) password = `${password}+`;
      if (line.startsWith("lock")) {
        await admin.unlock(password);
        lastAttempt = Date.now();
      }
      if (line === "down") isStopped = true;
      return result;
    },
    async close() {
      process.chdir(workDirectory);
      await server.stop();
      await upstream.close();
      await sshd.stop();
      await certificates.remove();
      await directory.remove();
    },
  };
}
