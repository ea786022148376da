import { fileURLToPath } from "node:url";
import { serviceAt, startVault } from "../harness/vault-server.mjs";

const PROGRAM = fileURLToPath(new URL("../programs/token-endpoint.mjs", import.meta.url));
const CALLS = 200;
const LONG_AGO = 1_700_000_000;

/** @type {import("../harness/row.mjs").Row} */
export default {
  name: "expired-token",
  title: "OAuth2 service, 200 calls at once on an expired token",
  packages: [],
  async measure(bench) {
    const provider = await bench.processes.startNode([PROGRAM], { ready: /listening on (\S+)/ });
    const vault = await startVault(bench.processes, bench.newPath("vault"));
    const token = await vault.makeToken();
    const auth = {
      type: "oauth2_client",
      client_id: "the-bench",
      client_secret: "client-secret-0123456789",
      token_url: `${provider.said}/token`,
      refresh_token: "rt-0",
      access_token: "an-access-token-of-long-ago",
      expires_at: LONG_AGO,
    };
    await vault.call("POST", "/services", serviceAt("api", provider.said, auth));
    const began = performance.now();
    await Promise.all(
      Array.from({ length: CALLS }, () => vault.call("GET", "/proxy/api/v1/models", undefined, token)),
    );
    const ms = performance.now() - began;
    const counts = await provider.ask({ counts: true });
    const { given, called } = /** @type {{ given: number, called: number }} */ (counts);
    return {
      settings: `the token endpoint takes 200 ms; refreshes are counted from before the service is made`,
      lines: [
        { "": "vault-server", refreshes: given, "calls with the new token": called, "all answered ms": ms },
      ],
      targets: [
        { what: "refreshes", comparison: "exactly", limit: 1, unit: "", measured: given },
        {
          what: "calls that came with the new token",
          comparison: "exactly",
          limit: CALLS,
          unit: "",
          measured: called,
        },
      ],
    };
  },
};
