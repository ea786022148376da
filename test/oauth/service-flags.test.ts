import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cli, startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { unlock } from "../live/vault-calls.js";
import { startOidcProvider, type OidcProvider } from "./oidc-provider.js";

/*
 * `vault-cli service add` by flags, for each type of credential that expires.
 */

let provider: OidcProvider;
let server: RunningServer;
let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
let admin: string;

beforeAll(async () => {
  directory = await temporaryDirectory();
  provider = await startOidcProvider();
  server = await startServer({ dataDir: join(directory.path, "data") });
  admin = await unlock(server);
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  await upload("key.pem", pem);
  const account = { type: "service_account", client_email: "robot@example.test", private_key_id: "1" };
  await upload("account.json", JSON.stringify({ ...account, private_key: pem }));
});
afterAll(async () => {
  await server.stop();
  await provider.close();
  await directory.remove();
});

async function run(args: readonly string[], stdin = ""): Promise<string> {
  const env = { HOME: directory.path, VAULT_ADDR: server.address, VAULT_TOKEN: admin };
  const result = await cli(args, { env, stdin });
  expect(result, `${args.join(" ")}: ${result.stderr}`).toMatchObject({ code: 0 });
  return result.stdout;
}

async function upload(name: string, content: string): Promise<void> {
  const path = join(directory.path, name);
  writeFileSync(path, content);
  await run(["file", "upload", name, path]);
}

const trust = (): string[] => ["--allow-private", "--tls-ca", provider.certificates.caPath];

test("a client's own credentials, and a refresh token, are good for calls at once", async () => {
  const { id, secret } = provider.clients.client_secret_post;
  const client = ["--oauth2-client-id", id, "--oauth2-token-url", provider.endpoints.token];
  const common = ["--base-url", provider.endpoints.api, ...trust(), ...client, "--secret-stdin"];
  await run(["service", "add", "own", "--oauth2-grant", "client_credentials", ...common], `${secret}\n`);
  await run(["proxy", "own", "GET", "/anything"]);

  const refreshToken = await provider.issueRefreshToken("client_secret_post");
  await run(["service", "add", "refreshed", ...common], `${secret}\n${refreshToken}\n`);
  expect(await run(["proxy", "refreshed", "GET", "/me"])).toContain(provider.person.login);
  expect(await run(["health", "tokens"])).toMatch(
    /^own oauth2_client valid .*\nrefreshed oauth2_client valid .*\n$/,
  );
});

test("a service account, a signed assertion and a GitHub App are stored by their uploaded keys", async () => {
  const base = ["--base-url", "https://api.example.com"];
  await run(["service", "add", "sa", ...base, "--service-account-file", "account.json"]);
  await run([
    ...[
      "service",
      "add",
      "jwt",
      ...base,
      "--jwt-issuer",
      "i",
      "--jwt-token-url",
      "https://id.example.com/token",
    ],
    ...["--jwt-key-file", "key.pem", "--jwt-scope", "a", "--jwt-claim", "tenant=b", "--jwt-kid", "1"],
  ]);
  await run([
    ...["service", "add", "app", "--github-app", "12345", "--github-installation", "67890"],
    ...["--github-key-file", "key.pem", "--github-permission", "contents=read"],
  ]);
  const shown = JSON.parse(await run(["service", "list", "--json"])) as { name: string }[];
  const byName = Object.fromEntries(shown.map((service) => [service.name, service]));
  expect(byName.sa).toMatchObject({ auth_type: "service_account", token_status: "expired" });
  expect(byName.jwt).toMatchObject({ auth_type: "jwt_bearer", scopes: ["a"] });
  expect(byName.app).toMatchObject({ auth_type: "github_app", base_url: "https://api.github.com" });
});
