import type { ServiceRecord } from "../auth-strategies/service-definition.js";

/** By name, in the order of code units. */
export function sortedByName(records: ReadonlyMap<string, ServiceRecord>): ServiceRecord[] {
  return [...records.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
