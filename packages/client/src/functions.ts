/**
 * The client as functions, each with a connection as its first argument: a bundler leaves out those that are not
 * imported, where a class keeps all of its methods.
 */
export { VaultError } from "./errors.js";
export type { ConnectOptions } from "./client-options.js";
export { connect, type Connection } from "./connect.js";
export { listAudit } from "./audit.js";
export { deleteFile, getFile, listFiles, uploadFile } from "./files.js";
export { cancelOauthFlow, oauthAuthorize, oauthDevice, oauthFlow } from "./logins.js";
export { addPolicy, getPolicy, listPolicies, removePolicy, testPolicy, updatePolicy } from "./policies.js";
export { proxy, proxyStream } from "./proxy.js";
export * from "./sdk-options.js";
export {
  addService,
  getService,
  listServices,
  patchService,
  removeService,
  testService,
  updateService,
} from "./services.js";
export { clearHostKey, setHostKey } from "./services.js";
export { closeSession, listSessions, openSession } from "./sessions.js";
export { sshExec, sshExecStream, sshSessionURL } from "./ssh.js";
export { sshDownload, sshDownloadStream, sshUpload } from "./ssh-files.js";
export { createChildToken, createToken, listTokens, resumeToken, revokeToken } from "./tokens.js";
export {
  changePassword,
  createRecoveryKey,
  health,
  healthTokens,
  lock,
  metrics,
  unlock,
} from "./vault-state.js";
