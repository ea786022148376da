import { startServer, temporaryDirectory, type RunningServer } from "./processes.js";
import {
  makeCertificates,
  startStreamingUpstream,
  startUpstream,
  type Answer,
  type Certificates,
  type Upstream,
} from "./tls-upstream.js";
import { addService, makeToken, unlock } from "./vault-calls.js";

/** An unlocked vault-server beside an HTTPS API with a CA of its own: what most tests begin with. */
export interface LiveVault {
  readonly certificates: Certificates;
  readonly upstream: Upstream;
  readonly server: RunningServer;
  readonly admin: string;
  readonly token: string;
  /** Stores a service on the upstream, or on `base_url`, that trusts the test's CA. */
  addService(name: string, auth: object, settings?: object): Promise<void>;
  close(): Promise<void>;
}

/** What the upstream does: answer each request after its body, or get each request as it comes. */
export type UpstreamBehaviour =
  { readonly answer: Answer } | { readonly onRequest: Parameters<typeof startStreamingUpstream>[1] };

export async function startLiveVault(behaviour?: UpstreamBehaviour): Promise<LiveVault> {
  const certificates = await makeCertificates();
  const upstream =
    behaviour !== undefined && "onRequest" in behaviour
      ? await startStreamingUpstream(certificates, behaviour.onRequest)
      : await startUpstream(certificates, behaviour?.answer);
  const directory = await temporaryDirectory();
  const server = await startServer({ dataDir: directory.path });
  const admin = await unlock(server);
  const token = await makeToken(server, admin);
  return {
    certificates,
    upstream,
    server,
    admin,
    token,
    addService: (name, auth, settings = {}) =>
      addService(server, admin, {
        name,
        base_url: upstream.origin,
        auth,
        allow_private: true,
        tls_ca: certificates.ca,
        ...settings,
      }),
    async close() {
      await server.stop();
      await upstream.close();
      await directory.remove();
      await certificates.remove();
    },
  };
}
