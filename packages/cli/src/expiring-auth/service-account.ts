import { collect } from "../repeated-option.js";
import type { ExpiringAuth } from "./expiring-auth.js";

export interface ServiceAccountFlags {
  readonly serviceAccountFile?: string;
  readonly serviceAccountScope?: readonly string[];
  readonly serviceAccountSubject?: string;
  readonly serviceAccountTokenUrl?: string;
}

export const serviceAccount: ExpiringAuth<ServiceAccountFlags> = {
  summary: "a Google service account, by its uploaded key file",
  prefix: "serviceAccount",
  addOptions(command) {
    command
      .optionsGroup("For service_account:")
      .option("--service-account-file <name>", "the uploaded key file")
      .option(
        "--service-account-scope <scope>",
        "scope to ask for (default: cloud-platform); may be repeated",
        collect,
      )
      .option("--service-account-subject <user>", "the user to act for, with domain-wide delegation")
      .option("--service-account-token-url <url>", "token endpoint, if it is not Google's");
  },
  required: () => [
    {
      flag: "serviceAccountFile",
      field: "file_ref",
      option: "--service-account-file",
      question: "Name of the uploaded key file",
    },
  ],
  optional: [
    { flag: "serviceAccountSubject", field: "sa_subject", question: "User to act for" },
    { flag: "serviceAccountTokenUrl", field: "sa_token_url", question: "Token endpoint" },
  ],
  secretLabels: () => [],
  define: (flags) => ({
    type: "service_account",
    file_ref: flags.serviceAccountFile ?? "",
    sa_scopes: flags.serviceAccountScope,
    sa_subject: flags.serviceAccountSubject,
    sa_token_url: flags.serviceAccountTokenUrl,
  }),
};
