import { Argument } from "commander";

import type { ConfigureCommand } from "../command-definition.js";
import { completionScript, SHELLS, type Shell } from "../completion/shell-scripts.js";
import { addExamples } from "../help-examples.js";

export const configureCompletion: ConfigureCommand = (command, perform) => {
  command.addArgument(new Argument("<shell>", "which shell").choices(SHELLS));
  command.addHelpText("after", "\nNames of services are completed while the vault is unlocked.");
  addExamples(
    command,
    'eval "$(% completion bash)"                      # in ~/.bashrc',
    'eval "$(% completion zsh)"                       # in ~/.zshrc, after compinit',
    "% completion fish > ~/.config/fish/completions/vault-cli.fish",
  );
  command.action((shell: Shell) =>
    perform(({ bin, output }) => {
      const script = completionScript(shell, bin);
      if (output.json) output.data({ shell, script });
      else for (const line of script.trimEnd().split("\n")) output.result(line);
      return Promise.resolve(undefined);
    }),
  );
};
