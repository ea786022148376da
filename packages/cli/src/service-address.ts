import type { ServiceInfo } from "@vault-proxy/client";

/** Where a service is: its base URL, or `host:port` of the server that sessions log in to. */
export function serviceAddress(service: ServiceInfo): string {
  if (service.base_url !== undefined) return service.base_url;
  const host = service[`${service.auth_type}_host`];
  const port = service[`${service.auth_type}_port`];
  if (typeof host !== "string" || typeof port !== "number") return "";
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}
