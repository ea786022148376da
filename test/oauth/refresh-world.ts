import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { temporaryDirectory } from "../live/processes.js";
import { makeCertificates, type Certificates } from "../live/tls-upstream.js";
import { addService, call, makeToken, unlock, type Answered, type CallOptions } from "../live/vault-calls.js";
import { startServerWithClock, type ServerWithClock } from "./server-clock.js";

const SAVED_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 10;
const BOUNDARY = "boundary-0123456789";
/** Of the services of {@link RefreshWorld.addOauth}. */
export const CLIENT_SECRET = "client-secret-0123456789abcdef";

/** What one service is to have other than the rest. */
export interface OauthServiceOptions {
  readonly tokenUrl: string;
  readonly apiUrl: string;
  /** Over the defaults: a refresh-token client by `client_secret_post` whose access token has expired. */
  readonly auth?: object;
  readonly settings?: object;
}

/** A built, unlocked server whose clock a test moves, and one authority for all that it talks to. */
export interface RefreshWorld {
  readonly certificates: Certificates;
  readonly clock: ServerWithClock;
  readonly admin: string;
  readonly token: string;
  readonly dataDir: string;
  /** Stores an `oauth2_client` service; `refreshToken` undefined for other grants. */
  addOauth(name: string, refreshToken: string | undefined, options: OauthServiceOptions): Promise<void>;
  add(definition: object): Promise<void>;
  /** Deletes all services, so that none of them is refreshed in the middle of the next test. */
  removeServices(): Promise<void>;
  /** Stores a file; gives the answer to that. */
  upload(name: string, content: string): Promise<Answered>;
  /** A call through the proxy, `GET /x` by default. */
  proxy(
    service: string,
    options?: CallOptions & { readonly method?: string; readonly target?: string },
  ): Promise<Answered>;
  info(service: string): Promise<Record<string, unknown>>;
  /** Does something that is saved without anyone waiting for it; resolves when that is on the disk. */
  untilSaved<T>(task: () => Promise<T>): Promise<T>;
  /** Ends the server as `signal` says, starts it again on the same directory, and unlocks it. */
  restart(signal?: NodeJS.Signals): Promise<void>;
  /** All that the server has written to its log, of every process there was. */
  log(): string;
  close(): Promise<void>;
}

/** @param dataDir a file system of its own for the vault, if need be */
export async function startRefreshWorld(dataDir?: string): Promise<RefreshWorld> {
  const certificates = await makeCertificates();
  const directory = await temporaryDirectory();
  const paths = { directory: directory.path, dataDir: dataDir ?? join(directory.path, "data") };
  const start = (): Promise<ServerWithClock> =>
    startServerWithClock({ ...paths, flags: ["--log-level", "debug"] });
  let clock = await start();
  let admin = await unlock(clock.server);
  const token = await makeToken(clock.server, admin);
  let earlierLogs = "";
  const fingerprint = (): string =>
    createHash("sha256")
      .update(readFileSync(join(paths.dataDir, "vault.enc")))
      .digest("hex");
  const world: RefreshWorld = {
    certificates,
    get clock() {
      return clock;
    },
    get admin() {
      return admin;
    },
    token,
    dataDir: paths.dataDir,
    add: (definition) => addService(clock.server, admin, definition),
    upload: (name, content) =>
      call(clock.server.address, "POST", "/files", {
        token: admin,
        headers: { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` },
        body:
          `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\n\r\n` +
          `${content}\r\n--${BOUNDARY}--\r\n`,
      }),
    addOauth: (name, refreshToken, { tokenUrl, apiUrl, auth, settings }) =>
      world.add({
        name,
        base_url: apiUrl,
        allow_private: true,
        tls_ca: certificates.ca,
        auth: {
          type: "oauth2_client",
          client_id: "client",
          client_secret: CLIENT_SECRET,
          ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
          token_url: tokenUrl,
          ...auth,
        },
        ...settings,
      }),
    proxy: (service, { method = "GET", target = "/x", ...options } = {}) =>
      call(clock.server.address, method, `/proxy/${service}${target}`, { token, ...options }),
    async removeServices() {
      const { address } = clock.server;
      const { json } = await call(address, "GET", "/services", { token: admin });
      for (const { name } of json as { name: string }[]) {
        expect((await call(address, "DELETE", `/services/${name}`, { token: admin })).status).toBe(200);
      }
    },
    async info(service) {
      const answer = await call(clock.server.address, "GET", `/services/${service}`, { token });
      expect(answer.status).toBe(200);
      return answer.json as Record<string, unknown>;
    },
    async untilSaved(task) {
      const before = fingerprint();
      const result = await task();
      const deadline = Date.now() + SAVED_WITHIN_MS;
      while (fingerprint() === before) {
        if (Date.now() > deadline) throw new Error("nothing was saved");
        await delay(LOOK_EVERY_MS);
      }
      return result;
    },
    async restart(signal = "SIGTERM") {
      await clock.server.stop(signal);
      earlierLogs += clock.server.log();
      clock = await start();
      admin = await unlock(clock.server);
    },
    log: () => earlierLogs + clock.server.log(),
    async close() {
      await clock.server.stop();
      await directory.remove();
      await certificates.remove();
    },
  };
  return world;
}

/** The answer is the vault's own, with this code; its text is its own too. */
export function expectRefusal(answer: Answered, status: number, code: string): void {
  expect({ status: answer.status, header: answer.headers["x-vault-error"], text: answer.text }).toEqual({
    status,
    header: code,
    text: answer.text,
  });
  expect(answer.json).toMatchObject({ code });
}
