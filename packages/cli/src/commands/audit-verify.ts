import type { OfflineVerifiedLog } from "@vault-proxy/server/vault-file";
import { InvalidArgumentError } from "commander";
import type { CommandContext } from "../command-context.js";
import type { ConfigureCommand } from "../command-definition.js";
import {
  addDataDirectoryOption,
  dataDirectory,
  vaultFileIn,
  type DataDirectoryOptions,
} from "../data-directory.js";
import { addExamples } from "../help-examples.js";
import { PASSWORD_SOURCES, readPassword } from "../password.js";
import { counted } from "../vault-content-text.js";

interface VerifyOptions extends DataDirectoryOptions {
  readonly withPassword?: boolean;
  readonly passwordFile?: string;
  readonly from?: number;
  readonly part?: boolean;
}

const HELP = `
Exits with 1 if the log is not as it was written, and names the first bad line. Works beside a
running server. Without the password the chain of hashes alone is checked: whoever can write the
file can make that good again. With it, the MAC of every line, and whether the end is there.
`;

export const configureAuditVerify: ConfigureCommand = (command, perform) => {
  addDataDirectoryOption(
    command.argument("[path]", "a directory with a log, or one file of it (default: the data directory)"),
  )
    .option("--with-password", "check the MACs, and what the vault remembers of the log, too")
    .option("--password-file <file>", "the same, with the password from the first line of a file")
    .option("--from <number>", "begin with the line of this number", lineNumber)
    .option("--part", "the directory holds a part of a log: its beginning and its end may be elsewhere")
    .addHelpText("after", `${HELP}\n${PASSWORD_SOURCES}`);
  addExamples(
    command,
    "% audit verify",
    "% audit verify --with-password",
    "% audit verify /mnt/archive/audit.jsonl --password-file ~/.vault-password",
  );
  command.action((path: string | undefined, options: VerifyOptions) =>
    perform(async (context) => {
      const { Secret, assertFileThere, verifyAuditOffline } = await import("@vault-proxy/server/vault-file");
      const directory = dataDirectory(options, context.env);
      const asked = path ?? directory;
      await assertFileThere(asked);
      const file = vaultFileIn(directory);
      const wantsVault = options.withPassword === true || options.passwordFile !== undefined;
      if (wantsVault) await assertFileThere(file);
      const vault = wantsVault
        ? { file, password: new Secret(await readPassword(context, options)) }
        : undefined;
      const verified = await verifyAuditOffline({
        ...{ path: asked, vault, from: options.from },
        isPart: options.part,
      });
      show(context, asked, verified);
      return verified.bad === undefined ? undefined : 1;
    }),
  );
};

function show({ output }: CommandContext, path: string, verified: OfflineVerifiedLog): void {
  const { bad, torn, lines, files, checked, authenticated, uncovered, first, last } = verified;
  if (output.json) {
    const status = bad === undefined ? "ok" : "bad";
    output.data({
      ...{ status, path, checked, files, lines, first: first?.sequence, last: last?.sequence },
      ...{ authenticated, uncovered, remembered: verified.remembered, bad, torn },
    });
    return;
  }
  if (bad !== undefined) {
    output.prose(`${bad.file}, line ${bad.line}: ${bad.reason} (${bad.problem})`);
    output.note(`${counted(lines, "line", "lines")} before it ${lines === 1 ? "is" : "are"} as written.`);
    return;
  }
  const range =
    first === undefined ? "" : `, number ${first.sequence} to ${last?.sequence ?? first.sequence}`;
  output.prose(`Audit log is whole: ${counted(lines, "line", "lines")}${range}.`);
  if (torn !== undefined)
    output.note(`${torn.file}, line ${torn.line} is being written, or was cut short by a crash.`);
  if (checked === "chain") {
    output.note("By its hashes alone, which a forger can make again; --with-password checks more.");
  } else {
    output.prose(`${counted(authenticated, "line has", "lines have")} a MAC of this vault.`);
    if (uncovered > 0) {
      output.note(
        `${counted(uncovered, "line", "lines")} at the end, written while locked, no MAC covers yet.`,
      );
    }
  }
}

function lineNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidArgumentError("It is a whole number from 1.");
  return number;
}
