import { DEFAULT_ADDRESS, parseAddress, unixAddress, type Address } from "./address.js";
import type { ClientOptions } from "./client-options.js";
import * as audit from "./audit.js";
import { assertTimeout } from "./deadline.js";
import * as files from "./files.js";
import * as logins from "./logins.js";
import type { BrowserLogin, StartedBrowserLogin } from "./logins.js";
import * as policies from "./policies.js";
import type { Policy, PolicyContent, PolicyQuestion, PolicyText } from "./policies.js";
import type { PolicyVerdict, RemovePolicyOptions, StoredPolicy } from "./policies.js";
import { proxy, proxyStream, type ProxyOptions } from "./proxy.js";
import type { RequestBody } from "./request-body.js";
import { targetBelow } from "./request-target.js";
import * as services from "./services.js";
import type { ServiceDefinition, ServiceInfo } from "./services.js";
import * as sessions from "./sessions.js";
import * as ssh from "./ssh.js";
import * as sshFiles from "./ssh-files.js";
import * as tokens from "./tokens.js";
import type { TokenRequest, TokenScope } from "./tokens.js";
import { createTransport, type CallOptions, type Transport } from "./transport.js";
import * as vaultState from "./vault-state.js";

/** Milliseconds: for the whole of a JSON answer, for the headers of a proxied one. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** A vault-server and a token for it. Safe for concurrent use. */
export class VaultClient {
  /** Where the calls go, for messages: never holds a secret. */
  readonly addr: string;
  // A private field, so that neither console.log nor JSON.stringify of a client shows it.
  #token: string;
  readonly #address: Address;
  readonly #transport: Transport;

  /** @throws VaultError `invalid_address`, or `invalid_request` for a `timeoutMs` that is no length of time */
  constructor(options: ClientOptions = {}) {
    const address =
      options.socketPath === undefined
        ? parseAddress(options.addr === undefined || options.addr === "" ? DEFAULT_ADDRESS : options.addr)
        : unixAddress(options.socketPath);
    const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
    assertTimeout(timeoutMs);
    this.addr = address.label;
    this.#token = options.token ?? "";
    this.#address = address;
    this.#transport = createTransport({
      address,
      token: () => this.#token,
      timeoutMs,
      allowInsecure: options.allowInsecure ?? false,
      fetch: options.fetch,
    });
  }

  get token(): string {
    return this.#token;
  }

  set token(token: string) {
    this.#token = token;
  }

  /** `locked` or `unlocked`. */
  async health(options?: CallOptions): Promise<string> {
    return (await this.healthDetails(options)).status;
  }

  /** With the token of an admin, how the server does as well. */
  async healthDetails(options?: CallOptions): Promise<vaultState.Health> {
    return vaultState.health(this.#transport, options);
  }

  /** Metrics in the text format of Prometheus: for an admin, or a token of scope `metrics`. */
  async metrics(options?: CallOptions): Promise<string> {
    return vaultState.metrics(this.#transport, options);
  }

  /** How long the access tokens of services whose credential expires are still valid. */
  async healthTokens(options?: CallOptions): Promise<vaultState.TokenHealth[]> {
    return vaultState.healthTokens(this.#transport, options);
  }

  /**
   * Resolves with an admin token, which this client uses from then on. The first unlock creates the vault; later the
   * recovery key does as the password.
   */
  async unlock(password: string, options?: CallOptions): Promise<string> {
    return (await this.unlockWithDetails(password, options)).id;
  }

  async unlockWithDetails(password: string, options?: CallOptions): Promise<tokens.IssuedToken> {
    const issued = await vaultState.unlock(this.#transport, password, options);
    this.#token = issued.id;
    return issued;
  }

  /** Needs an admin token, and forgets it. */
  async lock(options?: vaultState.LockOptions): Promise<void> {
    await vaultState.lock(this.#transport, options);
    this.#token = "";
  }

  /** Needs an admin token. `current` may be the recovery key; `next` has at least 8 characters. */
  async changePassword(current: string, next: string, options?: CallOptions): Promise<void> {
    return vaultState.changePassword(this.#transport, current, next, options);
  }

  /**
   * Needs an admin token. Resolves with a new recovery key, which opens the vault as its password does and is shown
   * this once; the one before opens nothing any more.
   */
  async createRecoveryKey(password: string, options?: CallOptions): Promise<string> {
    return vaultState.createRecoveryKey(this.#transport, password, options);
  }

  async listServices(options?: CallOptions): Promise<ServiceInfo[]> {
    return services.listServices(this.#transport, options);
  }

  async getService(name: string, options?: CallOptions): Promise<ServiceInfo> {
    return services.getService(this.#transport, name, options);
  }

  /** Adds, or replaces a service of the same name. */
  async addService(definition: ServiceDefinition, options?: CallOptions): Promise<ServiceInfo> {
    return services.addService(this.#transport, definition, options);
  }

  async updateService(
    name: string,
    definition: ServiceDefinition | Omit<ServiceDefinition, "name">,
    options?: CallOptions,
  ): Promise<ServiceInfo> {
    return services.updateService(this.#transport, name, definition, options);
  }

  async removeService(name: string, options?: CallOptions): Promise<void> {
    return services.removeService(this.#transport, name, options);
  }

  /** A proxied GET that tells whether the service answers and takes the stored credential. */
  async testService(name: string, path = "/", options?: CallOptions): Promise<services.ServiceTest> {
    return services.testService(this.#transport, name, path, options);
  }

  /**
   * Needs an admin token. Begins a login in a browser (PKCE): when the person has opened `auth_url` and logged in, the
   * vault stores the service. `oauthFlow` tells how it stands.
   */
  async oauthAuthorize(login: BrowserLogin, options?: CallOptions): Promise<StartedBrowserLogin> {
    return logins.oauthAuthorize(this.#transport, login, options);
  }

  /** Needs an admin token. The same by a code that is typed on another device (RFC 8628). */
  async oauthDevice(login: logins.DeviceLogin, options?: CallOptions): Promise<logins.StartedDeviceLogin> {
    return logins.oauthDevice(this.#transport, login, options);
  }

  /** Needs an admin token. How a login stands, or how it ended within the last five minutes. */
  async oauthFlow(flow: string, options?: CallOptions): Promise<logins.LoginStatus> {
    return logins.oauthFlow(this.#transport, flow, options);
  }

  /** Needs an admin token. @throws VaultError `not_found` when the login is not under way */
  async cancelOauthFlow(flow: string, options?: CallOptions): Promise<void> {
    return logins.cancelOauthFlow(this.#transport, flow, options);
  }

  /** Resolves with the new token, which is shown this once. Default scope: `proxy`. */
  async createToken(request?: TokenScope | TokenRequest, options?: CallOptions): Promise<string> {
    return (await this.createTokenWithDetails(request, options)).id;
  }

  async createTokenWithDetails(
    request: TokenScope | TokenRequest = "proxy",
    options?: CallOptions,
  ): Promise<tokens.IssuedToken> {
    const wanted = typeof request === "string" ? { scope: request } : request;
    return tokens.createToken(this.#transport, wanted, options);
  }

  /**
   * For a proxy token: resolves with a new token that may do a part of what this one may, all of it without a `policy`,
   * and is valid no longer.
   */
  async createChildToken(request?: tokens.ChildTokenRequest, options?: CallOptions): Promise<string> {
    return (await this.createChildTokenWithDetails(request, options)).id;
  }

  async createChildTokenWithDetails(
    request: tokens.ChildTokenRequest = {},
    options?: CallOptions,
  ): Promise<tokens.IssuedToken> {
    return tokens.createChildToken(this.#transport, request, options);
  }

  async listTokens(options?: CallOptions): Promise<tokens.TokenInfo[]> {
    return tokens.listTokens(this.#transport, options);
  }

  /**
   * Revokes also the tokens that descend from it.
   * @param id the token, or a prefix of it that no other token shares, with or without `...`
   */
  async revokeToken(id: string, options?: CallOptions): Promise<void> {
    return tokens.revokeToken(this.#transport, id, options);
  }

  /**
   * Needs an admin token. Lifts the suspension of a token that sent secrets of other services, or guessed at one
   * (`token_suspended`).
   * @param id as for `revokeToken`
   */
  async resumeToken(id: string, options?: CallOptions): Promise<void> {
    return tokens.resumeToken(this.#transport, id, options);
  }

  async listPolicies(options?: CallOptions): Promise<StoredPolicy[]> {
    return policies.listPolicies(this.#transport, options);
  }

  async getPolicy(name: string, options?: CallOptions): Promise<StoredPolicy> {
    return policies.getPolicy(this.#transport, name, options);
  }

  /** Adds, or replaces the one of that name: at once for every token that has it. @param policy also as YAML */
  async addPolicy(policy: Policy | PolicyText, options?: CallOptions): Promise<StoredPolicy> {
    return policies.addPolicy(this.#transport, policy, options);
  }

  /** @throws VaultError `not_found` unless there is a policy of that name */
  async updatePolicy(
    name: string,
    policy: Omit<Policy, "name"> | PolicyText,
    options?: CallOptions,
  ): Promise<StoredPolicy> {
    return policies.updatePolicy(this.#transport, name, policy, options);
  }

  /** @throws VaultError `conflict` while valid tokens have it, unless `force` is set */
  async removePolicy(name: string, options?: RemovePolicyOptions): Promise<void> {
    return policies.removePolicy(this.#transport, name, options);
  }

  /** What a policy says to a call or action, which is not done. Its limits do not count. @param policy also by name */
  async testPolicy(
    policy: string | PolicyContent,
    question: PolicyQuestion,
    options?: CallOptions,
  ): Promise<PolicyVerdict> {
    return policies.testPolicy(this.#transport, policy, question, options);
  }

  /**
   * Calls an API with its credential injected. Resolves with the API's own answer whatever its status; redirects are
   * not followed. `path` with its query goes out byte for byte.
   * @throws VaultError when the vault itself refused or could not be reached
   */
  async proxy(
    service: string,
    method: string,
    path: string,
    body?: RequestBody,
    options?: ProxyOptions,
  ): Promise<Response> {
    return proxy(this.#transport, service, method, path, body, options);
  }

  /** The bytes of a proxied answer as they arrive; an upstream's 4xx and 5xx throw. Leaving the loop cancels the call. */
  proxyStream(
    service: string,
    method: string,
    path: string,
    body?: RequestBody,
    options?: ProxyOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    return proxyStream(this.#transport, service, method, path, body, options);
  }

  /**
   * Opens a port on which a mail server or database is logged in already: connect with any client library, and with
   * any credential unless a password is required.
   * @throws VaultError `invalid_request` when the service is of another type
   */
  async session(
    protocol: sessions.SessionProtocol,
    service: string,
    options?: sessions.SessionOptions,
  ): Promise<sessions.OpenedSession> {
    return sessions.openSession(this.#transport, protocol, service, options);
  }

  /** A page of the audit log, the newest entry first. */
  async listAudit(options?: audit.AuditOptions): Promise<audit.AuditPage> {
    return audit.listAudit(this.#transport, options);
  }

  /** An admin's token lists all open sessions, others their own. */
  async listSessions(options?: CallOptions): Promise<sessions.SessionInfo[]> {
    return sessions.listSessions(this.#transport, options);
  }

  /** Closes a session and its connections. */
  async closeSession(id: string, options?: CallOptions): Promise<void> {
    return sessions.closeSession(this.#transport, id, options);
  }

  /**
   * Runs a command at a server of type `ssh_key`. A command that fails resolves too: look at `exit_code`. The time limit
   * is the command's own and 45 s, unless `timeoutMs` says otherwise.
   * @throws VaultError `upstream_timeout` (504) when the command took too long: it is ended then
   */
  async sshExec(service: string, command: string, options?: ssh.SshExecOptions): Promise<ssh.SshExecResult> {
    return ssh.sshExec(this.#transport, service, command, options);
  }

  /** The same, with the output as it comes; the last event is `exit`. Leaving the loop ends the remote process. */
  sshExecStream(
    service: string,
    command: string,
    options?: ssh.SshExecOptions,
  ): AsyncGenerator<ssh.SshExecEvent, void, undefined> {
    return ssh.sshExecStream(this.#transport, service, command, options);
  }

  /** Writes a file at a server, in place of one that is there. Parent folders are made. */
  async sshUpload(
    service: string,
    remotePath: string,
    source: sshFiles.SshUploadSource,
    options?: sshFiles.SshUploadOptions,
  ): Promise<sshFiles.SshUploadResult> {
    return sshFiles.sshUpload(this.#transport, service, remotePath, source, options);
  }

  /** The bytes of a file at a server. */
  async sshDownload(service: string, remotePath: string, options?: CallOptions): Promise<Uint8Array> {
    return sshFiles.sshDownload(this.#transport, service, remotePath, options);
  }

  /** The same as they arrive. Leaving the loop ends the transfer. */
  sshDownloadStream(
    service: string,
    remotePath: string,
    options?: CallOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    return sshFiles.sshDownloadStream(this.#transport, service, remotePath, options);
  }

  /**
   * Where a terminal on a server is opened by WebSocket; it holds no token, which goes into the `Authorization` header.
   * Of a unix socket it is `ws+unix:<path>:<request target>`, as the package `ws` takes it.
   */
  sshSessionURL(service: string, size?: ssh.TerminalSize): string {
    return ssh.sshSessionURL(this.#address, service, size);
  }

  /** Needs an admin token. @param hostKey the server's public key, such as a line of `ssh-keyscan`, or `SHA256:…` */
  async setHostKey(name: string, hostKey: string, options?: CallOptions): Promise<ServiceInfo> {
    return services.setHostKey(this.#transport, name, hostKey, options);
  }

  /** Needs an admin token. Forgets a server's key: the next connection keeps the one that it is shown. */
  async clearHostKey(name: string, options?: CallOptions): Promise<ServiceInfo> {
    return services.clearHostKey(this.#transport, name, options);
  }

  async uploadFile(name: string, source: files.FileSource, options?: CallOptions): Promise<files.FileInfo> {
    return files.uploadFile(this.#transport, name, source, options);
  }

  async listFiles(options?: CallOptions): Promise<files.FileInfo[]> {
    return files.listFiles(this.#transport, options);
  }

  async getFile(name: string, options?: CallOptions): Promise<Uint8Array> {
    return files.getFile(this.#transport, name, options);
  }

  async deleteFile(name: string, options?: CallOptions): Promise<void> {
    return files.deleteFile(this.#transport, name, options);
  }

  /** Any call of the vault's HTTP API; resolves with the answer whatever it is. */
  async do(method: string, path: string, body?: RequestBody, options?: ProxyOptions): Promise<Response> {
    return this.#transport.raw({ ...options, method, target: path, body });
  }

  /**
   * Sends a ready-made `Request` to the vault, with the token unless it brings an `Authorization` of its own. Its URL
   * must lie below `addr` (`http://localhost` for a unix socket), so that the token goes nowhere else.
   */
  async doRequest(request: Request, options?: CallOptions): Promise<Response> {
    return this.#transport.raw({
      signal: request.signal,
      ...options,
      method: request.method,
      target: targetBelow(this.#address, request.url),
      headers: request.headers,
      body: request.body,
      keepAuthorization: true,
    });
  }

  /** Ends idle connections. A client can be used again afterwards. */
  close(): void {
    this.#transport.close();
  }
}
