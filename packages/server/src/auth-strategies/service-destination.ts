import type { RequestDestination } from "../network/bounded-request.js";

/** The settings of a service that say where it may be, and whom it trusts. */
export interface DestinationSettings {
  readonly allow_private: boolean;
  readonly tls_skip_verify: boolean;
  readonly tls_ca?: string | undefined;
}

/** Whether plain http and private addresses are allowed. */
export function allowsInsecure(
  settings: Pick<DestinationSettings, "allow_private" | "tls_skip_verify">,
): boolean {
  return settings.allow_private || settings.tls_skip_verify;
}

export function destinationOf(settings: DestinationSettings): RequestDestination {
  return {
    allowPrivate: allowsInsecure(settings),
    ca: settings.tls_ca,
    rejectUnauthorized: !settings.tls_skip_verify,
  };
}
