import type { CommandEntry } from "../command-definition.js";

export const GROUPS: Readonly<Record<string, string>> = {
  service: "The APIs and servers that the vault holds credentials for",
  "service host-key": "The key by which a server proves by SSH that it is the right one",
  session: "Open ports that are logged in to mail servers and databases",
  oauth: "Logins at providers, which end in services",
  token: "The tokens that agents use",
  policy: "What tokens may do",
  file: "Credential files in the vault, such as a Google key",
  vault: "The vault file and its backups",
  password: "The master password of the vault",
};

/** What is done most with each. */
export const GROUP_EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  service: ["% service list", "% service add openai", "% service test openai"],
  "service host-key": ["% service host-key show box"],
  session: ["% session list"],
  oauth: ["% oauth login github --client-id Iv1.0123456789abcdef --scope repo"],
  token: [
    "% token list",
    "% token create proxy --name triage-bot --ttl 8h --policy triage-bot",
    "% token revoke tok_4fJx2a...",
  ],
  policy: [
    "% policy list",
    "% policy add triage-bot.yaml",
    "% policy test triage-bot GET github /repos/acme/app",
  ],
  file: ["% file list", "% file upload google.json ~/Downloads/client_secret.json"],
  vault: ["% vault backup /mnt/backup/vault-2026-11-22.enc", "% vault recovery-key"],
  password: ["% password change"],
};

/** Where the first word of a command stands in the help of the whole, in the order of the commands below. */
const HEADINGS: Readonly<Record<string, readonly string[]>> = {
  "The vault:": ["health", "metrics", "up", "down", "unlock", "lock", "doctor", "password", "vault"],
  "Its services:": ["service", "presets", "oauth", "file"],
  "Agents:": ["run", "token", "policy", "audit"],
  "Calls and connections:": ["imap", "smtp", "redis", "postgres", "ssh", "session", "http", "proxy"],
};

export const OTHER_COMMANDS = "Others:";

export function headingOf(word = ""): string {
  return Object.entries(HEADINGS).find(([, words]) => words.includes(word))?.[0] ?? OTHER_COMMANDS;
}

export const COMMANDS: readonly CommandEntry[] = [
  {
    path: ["health"],
    summary: "Show whether the vault is locked, or how its access tokens are",
    load: async () => (await import("./health.js")).configureHealth,
  },
  {
    path: ["metrics"],
    summary: "Print the metrics of the server, as Prometheus reads them",
    load: async () => (await import("./metrics.js")).configureMetrics,
  },
  {
    path: ["up"],
    summary: "Start vault-server on this machine and unlock the vault, in one go",
    load: async () => (await import("./up.js")).configureUp,
  },
  {
    path: ["down"],
    summary: "Stop the vault-server of this machine",
    load: async () => (await import("./down.js")).configureDown,
  },
  {
    path: ["unlock"],
    summary: "Unlock the vault with the master password and save a session",
    load: async () => (await import("./unlock.js")).configureUnlock,
  },
  {
    path: ["lock"],
    summary: "Lock the vault and end the session",
    load: async () => (await import("./lock.js")).configureLock,
  },
  {
    path: ["run"],
    summary: "Run a program that reaches services by the vault, with a token of its own",
    load: async () => (await import("./run.js")).configureRun,
    takesWords: true,
  },
  {
    path: ["doctor"],
    summary: "Check server, vault, tokens and this machine, and say what mends what is wrong",
    load: async () => (await import("./doctor.js")).configureDoctor,
  },
  {
    path: ["service", "list"],
    summary: "List services",
    load: async () => (await import("./service-list.js")).configureServiceList,
  },
  {
    path: ["service", "show"],
    summary: "Show one service, without its credential",
    load: async () => (await import("./service-show.js")).configureServiceShow,
  },
  {
    path: ["service", "add"],
    summary: "Add a service",
    load: async () => (await import("./service-add.js")).configureServiceAdd,
  },
  {
    path: ["service", "update"],
    summary: "Replace the credential of a service, or change its settings",
    load: async () => (await import("./service-update.js")).configureServiceUpdate,
  },
  {
    path: ["service", "remove"],
    summary: "Remove a service and its credential",
    load: async () => (await import("./service-remove.js")).configureServiceRemove,
  },
  {
    path: ["service", "test"],
    summary: "Check that a service answers and takes its credential",
    load: async () => (await import("./service-test.js")).configureServiceTest,
  },
  {
    path: ["service", "host-key", "show"],
    summary: "Show which host key of a server is trusted",
    load: async () => (await import("./service-host-key-show.js")).configureServiceHostKeyShow,
  },
  {
    path: ["service", "host-key", "pin"],
    summary: "Trust a server by this host key only",
    load: async () => (await import("./service-host-key-pin.js")).configureServiceHostKeyPin,
  },
  {
    path: ["service", "host-key", "clear"],
    summary: "Forget a server's host key: the next connection keeps the one that it is shown",
    load: async () => (await import("./service-host-key-clear.js")).configureServiceHostKeyClear,
  },
  {
    path: ["presets"],
    summary: "List the APIs that `service add` and `oauth login` know",
    load: async () => (await import("./presets.js")).configurePresets,
  },
  {
    path: ["presets", "show"],
    summary: "Show all that is known of an API, with its documentation page",
    load: async () => (await import("./presets-show.js")).configurePresetsShow,
  },
  {
    path: ["oauth", "login"],
    summary: "Log in at a provider, and store the service that the login is for",
    load: async () => (await import("./oauth-login.js")).configureOauthLogin,
  },
  {
    path: ["oauth", "status"],
    summary: "Show how a login stands",
    load: async () => (await import("./oauth-status.js")).configureOauthStatus,
  },
  {
    path: ["oauth", "cancel"],
    summary: "Cancel a login",
    load: async () => (await import("./oauth-cancel.js")).configureOauthCancel,
  },
  {
    path: ["imap"],
    summary: "Open a port that is logged in to a mailbox",
    load: async () => (await import("./imap.js")).configureImap,
  },
  {
    path: ["smtp"],
    summary: "Open a port that is logged in to a mail server to send by",
    load: async () => (await import("./smtp.js")).configureSmtp,
  },
  {
    path: ["redis"],
    summary: "Open a port that is logged in to a Redis server",
    load: async () => (await import("./redis.js")).configureRedis,
  },
  {
    path: ["postgres"],
    summary: "Open a port that is logged in to a PostgreSQL database",
    load: async () => (await import("./postgres.js")).configurePostgres,
  },
  {
    path: ["ssh"],
    summary: "Run a command at a server, or open a terminal on it",
    load: async () => (await import("./ssh.js")).configureSsh,
    takesWords: true,
  },
  {
    path: ["ssh", "upload"],
    summary: "Write a file at a server",
    load: async () => (await import("./ssh-upload.js")).configureSshUpload,
  },
  {
    path: ["ssh", "download"],
    summary: "Save a file of a server",
    load: async () => (await import("./ssh-download.js")).configureSshDownload,
  },
  {
    path: ["session", "list"],
    summary: "List the open sessions",
    load: async () => (await import("./session-list.js")).configureSessionList,
  },
  {
    path: ["session", "close"],
    summary: "Close a session and its connections",
    load: async () => (await import("./session-close.js")).configureSessionClose,
  },
  {
    path: ["token", "create"],
    summary: "Create a token and print it",
    load: async () => (await import("./token-create.js")).configureTokenCreate,
  },
  {
    path: ["token", "child"],
    summary: "Hand on a part of what a token may do, and print the new token",
    load: async () => (await import("./token-child.js")).configureTokenChild,
  },
  {
    path: ["token", "list"],
    summary: "List tokens",
    load: async () => (await import("./token-list.js")).configureTokenList,
  },
  {
    path: ["token", "revoke"],
    summary: "Revoke a token",
    load: async () => (await import("./token-revoke.js")).configureTokenRevoke,
  },
  {
    path: ["token", "resume"],
    summary: "Lift the suspension of a token",
    load: async () => (await import("./token-resume.js")).configureTokenResume,
  },
  {
    path: ["policy", "add"],
    summary: "Store a policy, or replace the one of its name",
    load: async () => (await import("./policy-add.js")).configurePolicyAdd,
  },
  {
    path: ["policy", "list"],
    summary: "List policies",
    load: async () => (await import("./policy-list.js")).configurePolicyList,
  },
  {
    path: ["policy", "show"],
    summary: "Show one policy",
    load: async () => (await import("./policy-show.js")).configurePolicyShow,
  },
  {
    path: ["policy", "remove"],
    summary: "Remove a policy",
    load: async () => (await import("./policy-remove.js")).configurePolicyRemove,
  },
  {
    path: ["policy", "test"],
    summary: "Say whether a policy allows a call, without making it",
    load: async () => (await import("./policy-test.js")).configurePolicyTest,
  },
  {
    path: ["policy", "learn"],
    summary: "Print the smallest policy that allows what a token did",
    load: async () => (await import("./policy-learn.js")).configurePolicyLearn,
  },
  {
    path: ["policy", "backtest"],
    summary: "Say what a policy would have denied of what was done",
    load: async () => (await import("./policy-backtest.js")).configurePolicyBacktest,
  },
  {
    path: ["file", "upload"],
    summary: "Store a file in the vault",
    load: async () => (await import("./file-upload.js")).configureFileUpload,
  },
  {
    path: ["file", "list"],
    summary: "List stored files",
    load: async () => (await import("./file-list.js")).configureFileList,
  },
  {
    path: ["file", "download"],
    summary: "Save a stored file",
    load: async () => (await import("./file-download.js")).configureFileDownload,
  },
  {
    path: ["file", "delete"],
    summary: "Delete a stored file",
    load: async () => (await import("./file-delete.js")).configureFileDelete,
  },
  {
    path: ["password", "change"],
    summary: "Change the master password",
    load: async () => (await import("./password-change.js")).configurePasswordChange,
  },
  {
    path: ["vault", "recovery-key"],
    summary: "Make a recovery key and print it",
    load: async () => (await import("./vault-recovery-key.js")).configureVaultRecoveryKey,
  },
  {
    path: ["vault", "info"],
    summary: "Show what a vault file tells without its password",
    load: async () => (await import("./vault-info.js")).configureVaultInfo,
  },
  {
    path: ["vault", "verify"],
    summary: "Open a vault file, and check all that is in it",
    load: async () => (await import("./vault-verify.js")).configureVaultVerify,
  },
  {
    path: ["vault", "backup"],
    summary: "Copy the vault file, of a running server too",
    load: async () => (await import("./vault-backup.js")).configureVaultBackup,
  },
  {
    path: ["vault", "restore"],
    summary: "Put a backup in the place of the vault file",
    load: async () => (await import("./vault-restore.js")).configureVaultRestore,
  },
  {
    path: ["audit"],
    summary: "Show the latest of what was done through the vault, and go on with --follow",
    load: async () => (await import("./audit.js")).configureAudit,
  },
  {
    path: ["audit", "list"],
    summary: "Show what was done through the vault, as a table",
    load: async () => (await import("./audit-list.js")).configureAuditList,
  },
  {
    path: ["audit", "follow"],
    summary: "Show what is done through the vault, as it is done",
    load: async () => (await import("./audit-follow.js")).configureAuditFollow,
  },
  {
    path: ["audit", "export"],
    summary: "Write the audit log as JSON lines",
    load: async () => (await import("./audit-export.js")).configureAuditExport,
  },
  {
    path: ["audit", "verify"],
    summary: "Check that the audit log is as it was written",
    load: async () => (await import("./audit-verify.js")).configureAuditVerify,
  },
  {
    path: ["http"],
    summary: "Call an API, with everything named by options",
    load: async () => (await import("./http.js")).configureHttp,
  },
  {
    path: ["proxy"],
    summary: "Call an API: its credential is added by the vault",
    load: async () => (await import("./proxy.js")).configureProxy,
  },
  {
    path: ["completion"],
    summary: "Print what makes a shell complete this program's words",
    load: async () => (await import("./completion.js")).configureCompletion,
  },
  {
    path: ["__complete"],
    summary: "Print what may come next on a command line",
    load: async () =>
      (await import("./__complete.js")).configureCompleteWords({ commands: COMMANDS, groups: GROUPS }),
    hidden: true,
  },
];
