import type { ServiceDefinition, ServiceInfo } from "@vault-proxy/client";

import type { ServicePreset } from "../presets/service-preset.js";

/** A service as the command line has it. */
export interface GivenService {
  readonly definition: ServiceDefinition;
  /** A private key that must be stored before it. */
  readonly key?: string | undefined;
  /** The service that it replaces. */
  readonly replaces?: ServiceInfo | undefined;
  /** Whether its summary was shown, and found right, before it is stored. */
  readonly isConfirmed?: boolean;
  /** What it was made by. */
  readonly preset?: ServicePreset | undefined;
  /** After a refusal of the vault asks for what it refused; resolves with undefined where that was not asked for. */
  readonly correct?: ((error: unknown) => Promise<GivenService | undefined>) | undefined;
  /** Asks for the secret once more, where a terminal was asked for it. */
  readonly askAgain?: (() => Promise<GivenService>) | undefined;
}
