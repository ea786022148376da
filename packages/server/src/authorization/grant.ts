import type { VaultProxyError } from "../errors/vault-proxy-error.js";

/** That a token may do what it is about to do, for as long as it does it. */
export interface Grant {
  /** Which rule allows it, for the audit; undefined for a token without a policy. */
  readonly rule: string | undefined;
  /** Whether the token has a policy at all. */
  readonly isRestricted: boolean;
  /** What is to be run in place of the command that was asked for: the same words, quoted. */
  readonly command: string | undefined;
  /** Lists of remote paths: in each of them the path must be, also when the server has resolved its links. */
  readonly pathLists: readonly (readonly string[])[];
  /** Resolves when it may begin: what outlasts a restart has to be saved first. Undefined if at once. */
  readonly ready: Promise<void> | undefined;
  /** Hears once that it is withdrawn: the policy has changed. At most one listener. */
  onWithdrawn(end: (reason: VaultProxyError) => void): void;
  /** Counts bytes that are about to be passed on. @returns why they must not be */
  takeBytes(count: number): VaultProxyError | undefined;
  /** Counts bytes that have passed already. @returns why no more must */
  takePassedBytes(count: number): VaultProxyError | undefined;
  /** It is over. A second time does nothing. */
  release(): void;
}

/** Of a token without a policy. */
export const UNRESTRICTED: Grant = {
  rule: undefined,
  isRestricted: false,
  command: undefined,
  pathLists: [],
  ready: undefined,
  onWithdrawn: () => undefined,
  takeBytes: () => undefined,
  takePassedBytes: () => undefined,
  release: () => undefined,
};
