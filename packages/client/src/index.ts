export { isLoopbackHost } from "./address.js";
export type { ClientOptions } from "./client-options.js";
export { VaultClient } from "./client.js";
export { ProxyClient } from "./proxy-client.js";
export type { VaultConnection } from "./vault-connection.js";
export { New, NewWithSocket, NewWithToken } from "./new-client.js";
export { VaultError } from "./errors.js";
export type { FileInfo, FileSource, StoredFile } from "./files.js";
export type {
  Policy,
  PolicyAction,
  PolicyContent,
  PolicyLimits,
  PolicyQuestion,
  PolicyRule,
  PolicyText,
  PolicyVerdict,
  RemovePolicyOptions,
  StoredPolicy,
} from "./policies.js";
export type { ProxyOptions } from "./proxy.js";
export type {
  AnthropicOptions,
  GoogleGenAIOptions,
  OctokitOptions,
  SdkOptions,
  StripeOptions,
} from "./sdk-options.js";
export type { RequestBody } from "./request-body.js";
export type {
  AuthDefinition,
  HttpAuthDefinition,
  ServerAuthDefinition,
  ClientAuthentication,
  GitHubAppAuth,
  ImapAuth,
  JwtBearerAuth,
  OAuth2ClientAuth,
  PostgresAuth,
  RedisAuth,
  RequestParameters,
  ServiceAccountAuth,
  SmtpAuth,
  SshKeyAuth,
  SshLegacyAlgorithm,
} from "./auth-definition.js";
export type {
  BrowserLogin,
  DeviceLogin,
  LoginStatus,
  StartedBrowserLogin,
  StartedDeviceLogin,
} from "./logins.js";
export type {
  HttpServiceDefinition,
  ServerServiceDefinition,
  ServiceDefinition,
  UnnamedServiceDefinition,
  ServiceInfo,
  ServicePatch,
  ServiceSettings,
  ServiceTest,
  TokenStatus,
} from "./services.js";
export type { AuditEntry, AuditOptions, AuditPage } from "./audit.js";
export type { OpenedSession, SessionInfo, SessionOptions, SessionProtocol } from "./sessions.js";
export type { SshExecEnd, SshExecEvent, SshExecOptions, SshExecResult, TerminalSize } from "./ssh.js";
export type { SshUploadOptions, SshUploadResult, SshUploadSource } from "./ssh-files.js";
export type { ChildTokenRequest, IssuedToken, TokenInfo, TokenRequest, TokenScope } from "./tokens.js";
export type { HeaderList } from "./request-headers.js";
export type { CallOptions } from "./call.js";
export type { Health, HealthDetails, LockOptions, TokenHealth, UnlockOptions } from "./vault-state.js";
