import type { EarlierVersion, SlotInfo, VaultFileInfo } from "@vault-proxy/server/vault-file";

import type { ConfigureCommand } from "../command-definition.js";
import {
  addDataDirectoryOption,
  dataDirectory,
  vaultFileIn,
  type DataDirectoryOptions,
} from "../data-directory.js";
import { addExamples } from "../help-examples.js";
import { sizeText } from "../size-text.js";
import { counted } from "../vault-content-text.js";

type Row = readonly [label: string, value: string];

export const configureVaultInfo: ConfigureCommand = (command, perform) => {
  addDataDirectoryOption(command.argument("[file]", "a vault file or backup (default: the vault's own)"));
  command.addHelpText(
    "after",
    "\nWithout the password nothing of this is certain: `vault verify` makes sure of a file.",
  );
  addExamples(command, "% vault info", "% vault info /mnt/backup/vault.enc --json");
  command.action((path: string | undefined, options: DataDirectoryOptions) =>
    perform(async ({ bin, env, output }) => {
      const { describeVaultFile } = await import("@vault-proxy/server/vault-file");
      const asked = path ?? vaultFileIn(dataDirectory(options, env));
      const { file, beside } = await describeVaultFile(asked);
      if (output.json) {
        output.data({ ...file, verified: false, beside });
        return undefined;
      }
      const rows = [...rowsOf(file), ...beside.map((version): Row => ["beside it", earlier(version)])];
      const width = Math.max(...rows.map(([label]) => label.length)) + 1;
      for (const [label, value] of rows) output.prose(`${`${label}:`.padEnd(width)} ${value}`, width + 1);
      output.note(`not verified: run \`${bin} vault verify${path === undefined ? "" : ` ${path}`}\``);
      return undefined;
    }),
  );
};

function rowsOf(file: VaultFileInfo): Row[] {
  const facts: Row[] = [
    ["file", file.path],
    ["saved", file.modified_at],
    ["size", sizeText(file.bytes)],
  ];
  if (file.format === "go") return [...facts, ["format", "the Go server's, or no vault file at all"]];
  return [
    ...facts,
    ["format", String(file.format)],
    ["vault id", file.vault_id],
    ["created", file.created_at],
    ["generation", String(file.generation)],
    ...file.slots.map((slot): Row => ["key slot", slotText(slot)]),
    ["segments", `${file.segments}: state, ${counted(file.files.count, "file", "files")}, trailer`],
    ["state", sizeText(file.state_bytes)],
    ["files", sizeText(file.files.bytes)],
  ];
}

function slotText(slot: SlotInfo): string {
  if (slot.kind === "recovery") return `recovery key (${slot.id})`;
  const { m_kib, t, p } = slot;
  const memory = m_kib % 1024 === 0 ? `${m_kib / 1024} MiB` : `${m_kib} KiB`;
  return `password, Argon2id with ${memory}, t = ${t}, p = ${p} (${slot.id})`;
}

function earlier(version: EarlierVersion): string {
  if ("problem" in version) return version.problem;
  const what = version.format === "go" ? "the Go server's" : `generation ${version.generation}`;
  return `${version.path}, ${what}, ${sizeText(version.bytes)}, ${version.modified_at}`;
}
