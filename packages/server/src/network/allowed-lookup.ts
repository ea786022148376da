import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { VaultProxyError } from "../errors/vault-proxy-error.js";
import { destinationBlocked } from "./address-policy.js";

/** As `dns.lookup` with `all: true`. */
export type LookupAll = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** The `lookup` of a net.connect that is to see a name's allowed addresses only. Node does not ask it for literals. */
export function lookupAllowed(lookup: LookupAll, isAllowed: (address: string) => boolean): LookupFunction {
  return (hostname, lookupOptions, callback) => {
    lookup(hostname, { all: true }, (error, addresses) => {
      if (error !== null) {
        callback(error, []);
        return;
      }
      const allowed = addresses.filter(({ address }) => isAllowed(address));
      const [first] = allowed;
      if (first === undefined)
        callback(addresses.length > 0 ? destinationBlocked(hostname) : unresolved(), []);
      else if (lookupOptions.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

function unresolved(): VaultProxyError {
  return new VaultProxyError("upstream_failed", "the upstream's name cannot be resolved");
}
