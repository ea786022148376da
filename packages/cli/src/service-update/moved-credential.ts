import type { ServiceInfo } from "@vault-proxy/client";

type Place = Pick<ServiceInfo, "base_url">;

/** What to say of a change that lets calls take the credential of before to another host; undefined if it does not. */
export function movedCredential(before: Place, after: Place, hasNewSecret: boolean): string | undefined {
  const host = hostOf(after);
  if (hasNewSecret || host === undefined || host === hostOf(before)) return undefined;
  return `the credential stayed as it was: calls take it to ${host} from now on`;
}

function hostOf({ base_url: url }: Place): string | undefined {
  return url === undefined || !URL.canParse(url) ? undefined : new URL(url).host;
}
