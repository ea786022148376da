import type { ConfigureCommand } from "../command-definition.js";
import { addExamples } from "../help-examples.js";
import { addPasswordOptions, connectForPassword, toPasswordRefusal } from "../password-delivery.js";
import { readPasswordChange } from "../password.js";

interface PasswordChangeOptions {
  readonly passwordFile?: string;
  readonly newPasswordFile?: string;
  readonly listenerUid?: string;
}

export const configurePasswordChange: ConfigureCommand = (command, perform) => {
  addPasswordOptions(command).option(
    "--new-password-file <file>",
    "take the new password from the first line of a file",
  );
  command.addHelpText(
    "after",
    "\nBoth passwords are asked for without echo, or are the first two lines of standard input." +
      "\nThe recovery key will do as the current one; it goes on holding. So do all tokens.",
  );
  addExamples(
    command,
    "% password change",
    "% password change --password-file old --new-password-file new",
    'printf \'%s\\n\' "$OLD" "$NEW" | % password change',
  );
  command.action((options: PasswordChangeOptions) =>
    perform(async (context) => {
      const client = await connectForPassword(context, options);
      const { current, next } = await readPasswordChange(context, options);
      await client.changePassword(current, next).catch((error: unknown) => {
        throw toPasswordRefusal(error);
      });
      if (context.output.json) context.output.data({ status: "changed" });
      else context.output.confirm("Password changed.");
      context.output.note("Backups that were made before still open with the password of their time.");
      return undefined;
    }),
  );
};
