import { proxy, proxyStream, type ProxyOptions } from "./proxy.js";
import type { RequestBody } from "./request-body.js";
import * as sdks from "./sdk-options.js";
import * as services from "./services.js";
import type { ServiceInfo } from "./services.js";
import * as sessions from "./sessions.js";
import * as ssh from "./ssh.js";
import * as sshFiles from "./ssh-files.js";
import * as tokens from "./tokens.js";
import type { CallOptions } from "./call.js";
import { VaultConnection } from "./vault-connection.js";
import * as vaultState from "./vault-state.js";

/** All that a token of scope `proxy` can do: call APIs, open sessions, run commands, hand on a part of what it may. */
export class ProxyClient extends VaultConnection {
  /** `locked` or `unlocked`. */
  async health(options?: CallOptions): Promise<string> {
    return (await this.healthDetails(options)).status;
  }

  /** With the token of an admin, how the server does as well. */
  async healthDetails(options?: CallOptions): Promise<vaultState.Health> {
    return vaultState.health(this.transport, options);
  }

  /** How long the access tokens of services whose credential expires are still valid. */
  async healthTokens(options?: CallOptions): Promise<vaultState.TokenHealth[]> {
    return vaultState.healthTokens(this.transport, options);
  }

  async listServices(options?: CallOptions): Promise<ServiceInfo[]> {
    return services.listServices(this.transport, options);
  }

  async getService(name: string, options?: CallOptions): Promise<ServiceInfo> {
    return services.getService(this.transport, name, options);
  }

  /** A proxied GET that tells whether the service answers and takes the stored credential. */
  async testService(name: string, path = "/", options?: CallOptions): Promise<services.ServiceTest> {
    return services.testService(this.transport, name, path, options);
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
    return proxy(this.transport, service, method, path, body, options);
  }

  /** The bytes of a proxied answer as they arrive; an upstream's 4xx and 5xx throw. Leaving the loop cancels the call. */
  proxyStream(
    service: string,
    method: string,
    path: string,
    body?: RequestBody,
    options?: ProxyOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    return proxyStream(this.transport, service, method, path, body, options);
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
    return sessions.openSession(this.transport, protocol, service, options);
  }

  /** An admin's token lists all open sessions, others their own. */
  async listSessions(options?: CallOptions): Promise<sessions.SessionInfo[]> {
    return sessions.listSessions(this.transport, options);
  }

  /** Closes a session and its connections. */
  async closeSession(id: string, options?: CallOptions): Promise<void> {
    return sessions.closeSession(this.transport, id, options);
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
    return tokens.createChildToken(this.transport, request, options);
  }

  /** Gives up the token that this client has, of any scope, and forgets it. */
  async revokeOwnToken(options?: CallOptions): Promise<void> {
    await tokens.revokeToken(this.transport, "self", options);
    this.token = "";
  }

  /**
   * Runs a command at a server of type `ssh_key`. A command that fails resolves too: look at `exit_code`. The time limit
   * is the command's own and 45 s, unless `timeoutMs` says otherwise.
   * @throws VaultError `upstream_timeout` (504) when the command took too long: it is ended then
   */
  async sshExec(service: string, command: string, options?: ssh.SshExecOptions): Promise<ssh.SshExecResult> {
    return ssh.sshExec(this.transport, service, command, options);
  }

  /** The same, with the output as it comes; the last event is `exit`. Leaving the loop ends the remote process. */
  sshExecStream(
    service: string,
    command: string,
    options?: ssh.SshExecOptions,
  ): AsyncGenerator<ssh.SshExecEvent, void, undefined> {
    return ssh.sshExecStream(this.transport, service, command, options);
  }

  /** Writes a file at a server, in place of one that is there. Parent folders are made. */
  async sshUpload(
    service: string,
    remotePath: string,
    source: sshFiles.SshUploadSource,
    options?: sshFiles.SshUploadOptions,
  ): Promise<sshFiles.SshUploadResult> {
    return sshFiles.sshUpload(this.transport, service, remotePath, source, options);
  }

  /** The bytes of a file at a server. */
  async sshDownload(service: string, remotePath: string, options?: CallOptions): Promise<Uint8Array> {
    return sshFiles.sshDownload(this.transport, service, remotePath, options);
  }

  /** The same as they arrive. Leaving the loop ends the transfer. */
  sshDownloadStream(
    service: string,
    remotePath: string,
    options?: CallOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    return sshFiles.sshDownloadStream(this.transport, service, remotePath, options);
  }

  /**
   * Where a terminal on a server is opened by WebSocket; it holds no token, which goes into the `Authorization` header.
   * Of a unix socket it is `ws+unix:<path>:<request target>`, as the package `ws` takes it.
   */
  sshSessionURL(service: string, size?: ssh.TerminalSize): string {
    return ssh.sshSessionURL(this.transport, service, size);
  }

  /**
   * For any SDK that takes a base URL and a key. `path` is what that SDK's base URL has behind the service's own, such
   * as `/v1`. Nothing is asked of the vault.
   * @throws VaultError `invalid_address` for a unix socket, `insecure_address`, `invalid_request` without a token
   */
  sdkOptions(service: string, path?: string): sdks.SdkOptions {
    return sdks.sdkOptions(this.transport, service, path);
  }

  /** For `new OpenAI(…)`, and any API that speaks its language: looks up whether the stored URL ends in `/v1` already. */
  async openaiOptions(service = "openai", options?: CallOptions): Promise<sdks.SdkOptions> {
    return sdks.openaiOptions(this.transport, service, options);
  }

  /** For `new Anthropic(…)`. */
  async anthropicOptions(service = "anthropic", options?: CallOptions): Promise<sdks.AnthropicOptions> {
    return sdks.anthropicOptions(this.transport, service, options);
  }

  /** For `new GoogleGenAI(…)`. */
  async googleGenAIOptions(service = "gemini", options?: CallOptions): Promise<sdks.GoogleGenAIOptions> {
    return sdks.googleGenAIOptions(this.transport, service, options);
  }

  /** For `new Octokit(…)`: its pages come through the vault too. */
  async octokitOptions(service = "github", options?: CallOptions): Promise<sdks.OctokitOptions> {
    return sdks.octokitOptions(this.transport, service, options);
  }

  /** For `new Stripe(apiKey, { ...config, httpClient: Stripe.createFetchHttpClient() })`. */
  async stripeOptions(service = "stripe", options?: CallOptions): Promise<sdks.StripeOptions> {
    return sdks.stripeOptions(this.transport, service, options);
  }
}
