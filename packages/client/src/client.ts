import * as audit from "./audit.js";
import * as files from "./files.js";
import * as logins from "./logins.js";
import * as policies from "./policies.js";
import type { Policy, PolicyContent, PolicyQuestion, PolicyText } from "./policies.js";
import type { PolicyVerdict, RemovePolicyOptions, StoredPolicy } from "./policies.js";
import { ProxyClient } from "./proxy-client.js";
import * as services from "./services.js";
import type { ServiceDefinition, ServiceInfo, ServicePatch, UnnamedServiceDefinition } from "./services.js";
import * as tokens from "./tokens.js";
import type { TokenRequest, TokenScope } from "./tokens.js";
import type { CallOptions } from "./call.js";
import * as vaultState from "./vault-state.js";

/** A vault-server and a token for it: also what only the token of an admin can do. Safe for concurrent use. */
export class VaultClient extends ProxyClient {
  /** Metrics in the text format of Prometheus: for an admin, or a token of scope `metrics`. */
  async metrics(options?: CallOptions): Promise<string> {
    return vaultState.metrics(this.transport, options);
  }

  /**
   * Resolves with an admin token, which this client uses from then on. The first unlock creates the vault; later the
   * recovery key does as the password.
   */
  async unlock(password: string, options?: vaultState.UnlockOptions): Promise<string> {
    return (await this.unlockWithDetails(password, options)).id;
  }

  async unlockWithDetails(password: string, options?: vaultState.UnlockOptions): Promise<tokens.IssuedToken> {
    const issued = await vaultState.unlock(this.transport, password, options);
    this.token = issued.id;
    return issued;
  }

  /** Needs an admin token, and forgets it. */
  async lock(options?: vaultState.LockOptions): Promise<void> {
    await vaultState.lock(this.transport, options);
    this.token = "";
  }

  /** Needs an admin token. `current` may be the recovery key; `next` has at least 8 characters. */
  async changePassword(current: string, next: string, options?: CallOptions): Promise<void> {
    return vaultState.changePassword(this.transport, current, next, options);
  }

  /**
   * Needs an admin token. Resolves with a new recovery key, which opens the vault as its password does and is shown
   * this once; the one before opens nothing any more.
   */
  async createRecoveryKey(password: string, options?: CallOptions): Promise<string> {
    return vaultState.createRecoveryKey(this.transport, password, options);
  }

  /** Adds, or replaces a service of the same name. */
  async addService(definition: ServiceDefinition, options?: CallOptions): Promise<ServiceInfo> {
    return services.addService(this.transport, definition, options);
  }

  async updateService(
    name: string,
    definition: ServiceDefinition | UnnamedServiceDefinition,
    options?: CallOptions,
  ): Promise<ServiceInfo> {
    return services.updateService(this.transport, name, definition, options);
  }

  /** Changes what is named of a service, and leaves all else as it is, the secrets too; null takes a field away. */
  async patchService(name: string, patch: ServicePatch, options?: CallOptions): Promise<ServiceInfo> {
    return services.patchService(this.transport, name, patch, options);
  }

  async removeService(name: string, options?: CallOptions): Promise<void> {
    return services.removeService(this.transport, name, options);
  }

  /** Needs an admin token. @param hostKey the server's public key, such as a line of `ssh-keyscan`, or `SHA256:…` */
  async setHostKey(name: string, hostKey: string, options?: CallOptions): Promise<ServiceInfo> {
    return services.setHostKey(this.transport, name, hostKey, options);
  }

  /** Needs an admin token. Forgets a server's key: the next connection keeps the one that it is shown. */
  async clearHostKey(name: string, options?: CallOptions): Promise<ServiceInfo> {
    return services.clearHostKey(this.transport, name, options);
  }

  /**
   * Needs an admin token. Begins a login in a browser (PKCE): when the person has opened `auth_url` and logged in, the
   * vault stores the service. `oauthFlow` tells how it stands.
   */
  async oauthAuthorize(
    login: logins.BrowserLogin,
    options?: CallOptions,
  ): Promise<logins.StartedBrowserLogin> {
    return logins.oauthAuthorize(this.transport, login, options);
  }

  /** Needs an admin token. The same by a code that is typed on another device (RFC 8628). */
  async oauthDevice(login: logins.DeviceLogin, options?: CallOptions): Promise<logins.StartedDeviceLogin> {
    return logins.oauthDevice(this.transport, login, options);
  }

  /** Needs an admin token. How a login stands, or how it ended within the last five minutes. */
  async oauthFlow(flow: string, options?: CallOptions): Promise<logins.LoginStatus> {
    return logins.oauthFlow(this.transport, flow, options);
  }

  /** Needs an admin token. @throws VaultError `not_found` when the login is not under way */
  async cancelOauthFlow(flow: string, options?: CallOptions): Promise<void> {
    return logins.cancelOauthFlow(this.transport, flow, options);
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
    return tokens.createToken(this.transport, wanted, options);
  }

  async listTokens(options?: CallOptions): Promise<tokens.TokenInfo[]> {
    return tokens.listTokens(this.transport, options);
  }

  /**
   * Revokes also the tokens that descend from it.
   * @param id the token, or a prefix of it that no other token shares, with or without `...`
   */
  async revokeToken(id: string, options?: CallOptions): Promise<void> {
    return tokens.revokeToken(this.transport, id, options);
  }

  /**
   * Needs an admin token. Lifts the suspension of a token that sent secrets of other services, or guessed at one
   * (`token_suspended`).
   * @param id as for `revokeToken`
   */
  async resumeToken(id: string, options?: CallOptions): Promise<void> {
    return tokens.resumeToken(this.transport, id, options);
  }

  async listPolicies(options?: CallOptions): Promise<StoredPolicy[]> {
    return policies.listPolicies(this.transport, options);
  }

  async getPolicy(name: string, options?: CallOptions): Promise<StoredPolicy> {
    return policies.getPolicy(this.transport, name, options);
  }

  /** Adds, or replaces the one of that name: at once for every token that has it. @param policy also as YAML */
  async addPolicy(policy: Policy | PolicyText, options?: CallOptions): Promise<StoredPolicy> {
    return policies.addPolicy(this.transport, policy, options);
  }

  /** @throws VaultError `not_found` unless there is a policy of that name */
  async updatePolicy(
    name: string,
    policy: Omit<Policy, "name"> | PolicyText,
    options?: CallOptions,
  ): Promise<StoredPolicy> {
    return policies.updatePolicy(this.transport, name, policy, options);
  }

  /** @throws VaultError `conflict` while valid tokens have it, unless `force` is set */
  async removePolicy(name: string, options?: RemovePolicyOptions): Promise<void> {
    return policies.removePolicy(this.transport, name, options);
  }

  /** What a policy says to a call or action, which is not done. Its limits do not count. @param policy also by name */
  async testPolicy(
    policy: string | PolicyContent,
    question: PolicyQuestion,
    options?: CallOptions,
  ): Promise<PolicyVerdict> {
    return policies.testPolicy(this.transport, policy, question, options);
  }

  /** A page of the audit log, the newest entry first. */
  async listAudit(options?: audit.AuditOptions): Promise<audit.AuditPage> {
    return audit.listAudit(this.transport, options);
  }

  async uploadFile(name: string, source: files.FileSource, options?: CallOptions): Promise<files.StoredFile> {
    return files.uploadFile(this.transport, name, source, options);
  }

  async listFiles(options?: CallOptions): Promise<files.FileInfo[]> {
    return files.listFiles(this.transport, options);
  }

  async getFile(name: string, options?: CallOptions): Promise<Uint8Array> {
    return files.getFile(this.transport, name, options);
  }

  async deleteFile(name: string, options?: CallOptions): Promise<void> {
    return files.deleteFile(this.transport, name, options);
  }
}
