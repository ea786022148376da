import type { VaultContentInfo } from "@vault-proxy/server/vault-file";

/** `generation 42: 3 services, 1 file, 2 tokens, 0 policies` */
export function contentText(content: VaultContentInfo): string {
  const { generation, services, files, tokens, policies } = content;
  const counts = [
    counted(services, "service", "services"),
    counted(files, "file", "files"),
    counted(tokens, "token", "tokens"),
    counted(policies, "policy", "policies"),
  ];
  const version = generation === undefined ? "a vault of the Go server" : `generation ${generation}`;
  return `${version}: ${counts.join(", ")}`;
}

export function counted(count: number, one: string, many: string): string {
  return `${count} ${count === 1 ? one : many}`;
}
