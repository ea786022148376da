import { UsageError } from "../failures.js";
import type { TenantRule } from "./preset.js";

const PLACEHOLDER = "{tenant}";
/** Longer than any host name (RFC 1035 §2.3.4). */
const MAX_TENANT_LENGTH = 253;

export function needsTenant(...templates: readonly (string | undefined)[]): boolean {
  return templates.some((template) => template?.includes(PLACEHOLDER));
}

/** Why `tenant` cannot stand in the rule's place; undefined if it can. */
export function tenantProblem(rule: TenantRule, tenant: string): string | undefined {
  return tenant.length <= MAX_TENANT_LENGTH && new RegExp(rule.pattern).test(tenant)
    ? undefined
    : `wanted: ${rule.meaning}, such as ${rule.example}`;
}

/** @throws UsageError for a tenant that the rule does not allow: it would lead to another host */
export function assertTenant(rule: TenantRule, tenant: string): void {
  const problem = tenantProblem(rule, tenant);
  if (problem !== undefined) throw new UsageError(`"${tenant}" cannot be the --tenant`, problem);
}

/** @param tenant checked by its rule; undefined where the template does not ask for one */
export function fillTenant(template: string, tenant: string | undefined): string {
  return tenant === undefined ? template : template.replaceAll(PLACEHOLDER, () => tenant);
}
