import type { RedisConfig } from "../../auth-strategies/session-types/redis.js";
import { toVaultProxyError } from "../../errors/vault-proxy-error.js";
import type { WireSocket } from "../../wire/wire-socket.js";
import type { SessionDriver } from "../session-driver.js";
import { readClientLogin } from "./client-login.js";
import { refuse } from "./refusal.js";
import { logInToServer } from "./server-login.js";
import { passSetUp } from "./set-up-relay.js";

/** Redis and what speaks its protocol, RESP2 and RESP3. The two ends agree on the version; it is not known here. */
export const redisDriver: SessionDriver<RedisConfig> = {
  protocol: "redis",

  open(config, login) {
    return {
      // In Redis' own words, which libraries know.
      refusal: "-ERR max number of clients reached\r\n",
      async connect(client, tools) {
        const given = login === undefined ? { bytes: Buffer.alloc(0) } : await readClientLogin(client, login);
        if (given === undefined) return undefined;
        let server: WireSocket;
        try {
          if (login !== undefined) tools.takePlace();
          server = await tools.connectServer((wire) => logInToServer(wire, config, tools));
        } catch (error) {
          await refuse(client, toVaultProxyError(error).message, given.bytes.length > 0);
          throw error;
        }
        return { client, server, pass: passSetUp(given.bytes, login) };
      },
    };
  },

  urlOf({ host, port }, { redis_db: database }, login) {
    const user =
      login === undefined
        ? ""
        : `${encodeURIComponent(login.username)}:${encodeURIComponent(login.password.reveal())}@`;
    return `redis://${user}${host.includes(":") ? `[${host}]` : host}:${port}/${database}`;
  },
};
