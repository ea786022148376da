import type { CommandContext } from "./command-context.js";
import { askChoice } from "./prompt.js";

/** The vault decides on the address; this only knows when to ask. */
export function isThisMachine(host: string): boolean {
  return /^(?:localhost|127\.[\d.]+|::1)$/i.test(host);
}

/** Whether a service may be at this machine itself. @param question such as `May sessions connect to it?` */
export async function askAllowance(context: CommandContext, question: string): Promise<true | undefined> {
  const answer = await askChoice(context, `That is this machine itself. ${question}`, [
    { value: "yes", label: "yes" },
    { value: "no", label: "no: the vault will refuse the service" },
  ]);
  return answer === "yes" ? true : undefined;
}
