import { z } from "@hono/zod-openapi";
import { VaultProxyError } from "../../errors/vault-proxy-error.js";
import type { AuthStrategy, ReadFile } from "../auth-strategy.js";
import { parseAllowedCommand } from "../../ssh-rules/command-rules.js";
import { refuse, type Refusal } from "../../ssh-rules/refusal.js";
import { isForbiddenPath, parseAllowedPath } from "../../ssh-rules/remote-path.js";
import { hostSchema, passwordSchema, portSchema, userSchema } from "../session-types/session-type.js";
import { hostKeySchema } from "../host-key-schema.js";
import { savedFingerprint } from "../ssh-host-key.js";
import { readSshPrivateKey } from "../ssh-private-key.js";
import { readNamedFile, storedFileNameSchema } from "../stored-file-name.js";
import { LEGACY_ALGORITHMS } from "./legacy-algorithms.js";

const DEFAULT_PORT = 22;
const MAX_RULES = 200;
const MAX_RULE_CHARACTERS = 4096;

type Rule = { readonly ok: true } | Refusal;

const ruleSchema = (read: (text: string) => Rule): z.ZodString =>
  z
    .string()
    .max(MAX_RULE_CHARACTERS)
    .superRefine((text, context) => {
      const rule = read(text);
      if (!rule.ok) context.addIssue({ code: "custom", message: rule.reason });
    });

/** An entry that no transfer could ever use is a mistake. */
function readAllowedPath(text: string): Rule {
  const parsed = parseAllowedPath(text);
  return parsed.ok && isForbiddenPath(parsed.path)
    ? refuse("is in a directory that no transfer touches")
    : parsed;
}

const schema = z.strictObject({
  type: z.literal("ssh_key"),
  ssh_host: hostSchema,
  ssh_port: portSchema.optional().openapi({ description: "Default 22." }),
  ssh_user: userSchema,
  ssh_key_file_ref: storedFileNameSchema.optional().openapi({
    description: "The uploaded private key: Ed25519, ECDSA or RSA, in OpenSSH's format, PEM or PKCS#8.",
  }),
  ssh_key_passphrase: passwordSchema.optional(),
  ssh_password: passwordSchema.optional().openapi({ description: "Instead of a key." }),
  ssh_host_key: hostKeySchema.optional(),
  ssh_allowed_commands: z.array(ruleSchema(parseAllowedCommand)).min(1).max(MAX_RULES).optional().openapi({
    description:
      "With it, only these commands run: each with further arguments, none through a shell's own syntax.",
  }),
  ssh_allowed_paths: z.array(ruleSchema(readAllowedPath)).min(1).max(MAX_RULES).optional().openapi({
    description: "With it, only files at or below these absolute paths are read and written.",
  }),
  ssh_legacy_algorithms: z.array(z.enum(LEGACY_ALGORITHMS)).max(LEGACY_ALGORITHMS.length).optional().openapi({
    description: "Outdated algorithms that are offered to this server besides the usual ones.",
  }),
});

export type SshKeyConfig = z.output<typeof schema>;

const portOf = ({ ssh_port: port }: SshKeyConfig): number => port ?? DEFAULT_PORT;

/** A server that is reached by SSH, with a private key or a password (RFC 4252). */
export const sshKeyType: AuthStrategy<SshKeyConfig> = {
  type: "ssh_key",
  schema,
  secretFields: ["ssh_key_passphrase", "ssh_password"],
  check(config) {
    const wrong = (field: string, rule: string): VaultProxyError =>
      new VaultProxyError("invalid_request", `auth.${field}: ${rule}`);
    if (config.ssh_key_file_ref === undefined && config.ssh_password === undefined)
      throw wrong("ssh_key_file_ref", "is required, or ssh_password");
    if (config.ssh_key_file_ref !== undefined && config.ssh_password !== undefined)
      throw wrong("ssh_password", "is not used together with ssh_key_file_ref");
    if (config.ssh_key_file_ref === undefined && config.ssh_key_passphrase !== undefined)
      throw wrong("ssh_key_passphrase", "is of a key, but there is none");
  },
  async readFiles(config, readFile) {
    if (config.ssh_key_file_ref !== undefined) await assertKey(config, readFile);
    return config;
  },
  describe: (config) => ({
    ssh_host: config.ssh_host,
    ssh_port: portOf(config),
    ssh_user: config.ssh_user,
    ...(config.ssh_key_file_ref === undefined ? {} : { ssh_key_file_ref: config.ssh_key_file_ref }),
    ssh_connected: config.ssh_host_key !== undefined,
    ...(config.ssh_host_key === undefined
      ? {}
      : {
          ssh_host_key: config.ssh_host_key,
          ssh_host_key_fingerprint: savedFingerprint(config.ssh_host_key),
        }),
    ...(config.ssh_allowed_commands === undefined
      ? {}
      : { ssh_allowed_commands: config.ssh_allowed_commands }),
    ...(config.ssh_allowed_paths === undefined ? {} : { ssh_allowed_paths: config.ssh_allowed_paths }),
    ...(config.ssh_legacy_algorithms === undefined
      ? {}
      : { ssh_legacy_algorithms: config.ssh_legacy_algorithms }),
  }),
  secrets: ({ ssh_key_passphrase: passphrase, ssh_password: password }) =>
    [passphrase, password].filter((secret) => secret !== undefined),
  generated: () => [],
  ssh: {
    access: (config) => ({
      host: config.ssh_host,
      port: portOf(config),
      user: config.ssh_user,
      keyFile: config.ssh_key_file_ref,
      password: config.ssh_password,
      passphrase: config.ssh_key_passphrase,
      hostKey: config.ssh_host_key,
      allowedCommands: config.ssh_allowed_commands,
      allowedPaths: config.ssh_allowed_paths,
      legacyAlgorithms: config.ssh_legacy_algorithms ?? [],
    }),
    withHostKey({ ssh_host_key: _, ...config }, hostKey) {
      return hostKey === undefined ? config : { ...config, ssh_host_key: hostKey };
    },
  },
  createInjector() {
    throw new VaultProxyError(
      "invalid_request",
      "this service is of type ssh_key: use POST /ssh/{service}/exec, upload or download",
    );
  },
};

async function assertKey(config: SshKeyConfig, readFile: ReadFile): Promise<void> {
  const field = "auth.ssh_key_file_ref";
  const bytes = await readNamedFile(readFile, config.ssh_key_file_ref ?? "", field);
  readSshPrivateKey(bytes, config.ssh_key_passphrase, field);
}
