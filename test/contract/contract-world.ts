import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { makeCertificates, startUpstream } from "../live/tls-upstream.js";
import { addService, makeToken, unlock } from "../live/vault-calls.js";
import { startSshd } from "../real-servers/openssh.js";
import type { World } from "./route-row.js";
import { SESSION_AUTH } from "./routes/sessions.js";

const PASSWORD = "the password of the contract";

/** A built server that nobody has unlocked, and what its services are for: an HTTPS API that is a provider too, and sshd. */
export interface ContractWorld {
  readonly server: RunningServer;
  /** Creates the vault, with the services and tokens that all passes share. */
  fill(): Promise<void>;
  /** A pass over the routes, with the password as the pass before left it. */
  pass(name: string): World;
  close(): Promise<void>;
}

export async function startContractWorld(): Promise<ContractWorld> {
  const certificates = await makeCertificates();
  const upstream = await startUpstream(certificates, (request, response) => {
    if (request.url?.startsWith("/hanging") === true) return;
    response.statusCode = Number(/^\/status\/(\d{3})$/.exec(request.url ?? "")?.[1] ?? 200);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(answerOf(`${request.method ?? ""} ${request.url ?? ""}`, upstream.origin)));
  });
  const sshd = await startSshd({ login: "password" });
  const directory = await temporaryDirectory();
  const server = await startServer({ dataDir: directory.path });
  const tokens = { admin: "", proxy: "", metrics: "" };
  let password = PASSWORD;
  return {
    server,
    async fill() {
      tokens.admin = await unlock(server, PASSWORD);
      tokens.proxy = await makeToken(server, tokens.admin);
      tokens.metrics = await makeToken(server, tokens.admin, { scope: "metrics" });
      const local = { allow_private: true };
      for (const [type, auth] of Object.entries(SESSION_AUTH)) {
        await addService(server, tokens.admin, { name: `the-${type}`, ...local, auth: { type, ...auth } });
      }
      const ssh = {
        ssh_host: sshd.host,
        ssh_port: sshd.port,
        ssh_user: sshd.user,
        ssh_password: sshd.password,
      };
      await addService(server, tokens.admin, {
        name: "the-ssh",
        ...local,
        auth: { type: "ssh_key", ...ssh },
      });
    },
    pass: (name) => ({
      pass: name,
      address: server.address,
      upstream: upstream.origin,
      upstreamCa: certificates.ca,
      sshd: { hostKey: sshd.hostKeys()[0]?.publicLine ?? "", home: sshd.home },
      get password() {
        return password;
      },
      set password(changed: string) {
        password = changed;
      },
      tokens,
      kept: new Map(),
    }),
    async close() {
      await server.stop();
      await upstream.close();
      await sshd.stop();
      await directory.remove();
      await certificates.remove();
    },
  };
}

/** The provider's answers, and of any other call which it was; `/status/418` says with which status, `/hanging` never. */
function answerOf(call: string, origin: string): object {
  if (call === "POST /token") {
    return { access_token: "access-of-the-login", refresh_token: "refresh-of-the-login", expires_in: 3600 };
  }
  if (call === "POST /device") {
    const code = { device_code: "the-device-code", user_code: "ABCD-EFGH", interval: 5 };
    return { ...code, verification_uri: `${origin}/activate`, expires_in: 600 };
  }
  return { echoed: call };
}
