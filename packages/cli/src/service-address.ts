import type { ServiceInfo } from "@vault-proxy/client";

/** Where a service is: its base URL, or `host:port` of the server that is logged in to, for SSH with the user. */
export function serviceAddress(service: ServiceInfo): string {
  if (service.base_url !== undefined) return service.base_url;
  const isSsh = service.auth_type === "ssh_key";
  const prefix = isSsh ? "ssh" : service.auth_type;
  const host = service[`${prefix}_host`];
  const port = service[`${prefix}_port`];
  if (typeof host !== "string" || typeof port !== "number") return "";
  return `${isSsh ? `${service.ssh_user ?? ""}@` : ""}${host.includes(":") ? `[${host}]` : host}:${port}`;
}
