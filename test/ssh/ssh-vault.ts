import { startServer, temporaryDirectory, type RunningServer } from "../live/processes.js";
import { call, makeToken, unlock, type Answered, type CallOptions } from "../live/vault-calls.js";
import type { RunningSshd } from "../real-servers/openssh.js";
import type { SshKey } from "../real-servers/ssh-keys.js";

/** How a service logs in at a server of a test. */
export interface SshServiceOptions {
  /** Default: the server's password. */
  readonly key?: SshKey;
  readonly auth?: Readonly<Record<string, unknown>>;
  /** Fields beside `auth`. */
  readonly service?: Readonly<Record<string, unknown>>;
}

/** An unlocked vault-server for services that are reached by SSH. */
export interface SshVault {
  readonly server: RunningServer;
  /** The newest one. */
  readonly admin: string;
  /** Of scope `proxy`. */
  readonly token: string;
  /** Stores a file. */
  upload(name: string, content: string): Promise<Answered>;
  /** Stores a service on `sshd`; its answer is for the test to look at. */
  define(name: string, sshd: RunningSshd, options?: SshServiceOptions): Promise<Answered>;
  /** The same, which must be taken. */
  addService(name: string, sshd: RunningSshd, options?: SshServiceOptions): Promise<void>;
  /** Sends JSON with the proxy token. */
  post(path: string, body: object, options?: Pick<CallOptions, "token">): Promise<Answered>;
  /** As an admin. */
  get(path: string): Promise<Answered>;
  exec(service: string, command: string, more?: object): Promise<Answered>;
  /** After a lock. */
  unlock(): Promise<void>;
  close(): Promise<void>;
}

export async function startSshVault(): Promise<SshVault> {
  const directory = await temporaryDirectory();
  const server = await startServer({ dataDir: directory.path });
  let admin = await unlock(server);
  const token = await makeToken(server, admin);
  const post = (path: string, body: object, options: Pick<CallOptions, "token"> = {}): Promise<Answered> =>
    call(server.address, "POST", path, {
      token,
      ...options,
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  const upload = (name: string, content: string): Promise<Answered> => {
    const boundary = "ssh-vault-boundary";
    const part = (field: string, value: string): string =>
      `--${boundary}\r\nContent-Disposition: form-data; ${field}\r\n\r\n${value}\r\n`;
    return call(server.address, "POST", "/files", {
      token: admin,
      headers: { "Content-Type": `multipart/form-data; boundary=${boundary}` },
      body: `${part('name="name"', name)}${part('name="file"; filename="k"', content)}--${boundary}--\r\n`,
    });
  };
  const define: SshVault["define"] = async (name, sshd, { key, auth, service } = {}) => {
    if (key !== undefined) await upload(`${name}.key`, key.privateKey);
    const login = key === undefined ? { ssh_password: sshd.password } : { ssh_key_file_ref: `${name}.key` };
    return post(
      "/services",
      {
        name,
        allow_private: true,
        ...service,
        auth: {
          ...{ type: "ssh_key", ssh_host: sshd.host, ssh_port: sshd.port, ssh_user: sshd.user },
          ...login,
          ...auth,
        },
      },
      { token: admin },
    );
  };
  return {
    server,
    get admin() {
      return admin;
    },
    token,
    upload,
    define,
    post,
    async addService(name, sshd, options) {
      const answer = await define(name, sshd, options);
      if (answer.status !== 201) throw new Error(`service not stored: ${answer.text}`);
    },
    get: (path) => call(server.address, "GET", path, { token: admin }),
    exec: (service, command, more = {}) => post(`/ssh/${service}/exec`, { command, ...more }),
    async unlock() {
      admin = await unlock(server);
    },
    async close() {
      await server.stop();
      await directory.remove();
    },
  };
}
