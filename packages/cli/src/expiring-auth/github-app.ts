import { UsageError } from "../failures.js";
import { collect, namedValues } from "../repeated-option.js";
import type { ExpiringAuth } from "./expiring-auth.js";

export interface GithubAppFlags {
  readonly githubApp?: string;
  readonly githubInstallation?: string;
  readonly githubKeyFile?: string;
  readonly githubApiUrl?: string;
  readonly githubRepository?: readonly string[];
  readonly githubPermission?: readonly string[];
}

const API = "https://api.github.com";
const LEVELS = ["read", "write", "admin"] as const;

export const githubApp: ExpiringAuth<GithubAppFlags> = {
  summary: "an installation of a GitHub App, by its uploaded private key",
  prefix: "github",
  addOptions(command) {
    command
      .optionsGroup("For github_app:")
      .option("--github-app <id>", "the app's id, or client id")
      .option("--github-installation <id>", "the installation's id")
      .option("--github-key-file <name>", "the uploaded private key (PEM)")
      .option("--github-api-url <url>", "of GitHub Enterprise Server: https://HOST/api/v3")
      .option("--github-repository <name>", "only this one; may be repeated", collect)
      .option(
        "--github-permission <name=level>",
        "only this one, such as contents=read; may be repeated",
        collect,
      );
  },
  required: () => [
    { flag: "githubApp", field: "app_id", option: "--github-app", question: "Id of the app" },
    {
      flag: "githubInstallation",
      field: "installation_id",
      option: "--github-installation",
      question: "Id of the installation",
    },
    {
      flag: "githubKeyFile",
      field: "key_file",
      option: "--github-key-file",
      question: "Name of the uploaded private key",
    },
  ],
  optional: [{ flag: "githubApiUrl", field: "api_url", question: "API of GitHub Enterprise Server" }],
  secretLabels: () => [],
  define: (flags) => ({
    type: "github_app",
    app_id: flags.githubApp ?? "",
    installation_id: flags.githubInstallation ?? "",
    key_file: flags.githubKeyFile ?? "",
    api_url: flags.githubApiUrl,
    repositories: flags.githubRepository,
    permissions: permissions(flags.githubPermission),
  }),
  defaultBaseUrl: ({ githubApiUrl }) => githubApiUrl ?? API,
};

function permissions(
  values: readonly string[] | undefined,
): Record<string, (typeof LEVELS)[number]> | undefined {
  const named = namedValues("--github-permission", values);
  if (named === undefined) return undefined;
  return Object.fromEntries(
    Object.entries(named).map(([name, value]) => {
      const level = LEVELS.find((known) => known === value);
      if (level === undefined) throw new UsageError("--github-permission is read, write or admin");
      return [name, level];
    }),
  );
}
