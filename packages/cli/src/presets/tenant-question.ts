import type { CommandContext } from "../command-context.js";
import { UsageError } from "../failures.js";
import { askText, canAsk } from "../prompt.js";
import type { TenantRule } from "./preset.js";
import { assertTenant, tenantProblem } from "./tenant.js";

/**
 * The tenant of `--tenant`, or the one that a terminal answers.
 * @param rule undefined where no tenant is needed
 */
export async function tenantFor(
  context: CommandContext,
  title: string,
  rule: TenantRule | undefined,
  tenant: string | undefined,
): Promise<string | undefined> {
  if (rule === undefined) {
    if (tenant === undefined) return undefined;
    throw new UsageError("--tenant is not needed here", "leave it out");
  }
  const given = tenant ?? rule.default;
  if (given !== undefined) {
    assertTenant(rule, given);
    return given;
  }
  if (!canAsk(context)) {
    throw new UsageError(`${title} needs --tenant`, `${rule.meaning}; such as ${rule.example}`);
  }
  return askText(context, `Tenant at ${title} (${rule.meaning}, such as ${rule.example})`, (value) =>
    tenantProblem(rule, value),
  );
}
