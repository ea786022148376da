import type { AuthDefinition } from "@vault-proxy/client";
import type { Command } from "commander";

/** A flag with one text that a terminal can be asked for. */
export interface AskedFlag<Flags> {
  readonly flag: keyof Flags & string;
  /** Its name in the API, of `auth`. */
  readonly field: string;
  readonly question: string;
}

/** A flag that a type cannot do without. */
export interface RequiredFlag<Flags> extends AskedFlag<Flags> {
  /** As the user writes it. */
  readonly option: string;
}

/** A type of credential that expires, as `service add` takes it by flags. */
export interface ExpiringAuth<Flags> {
  readonly summary: string;
  /** What the names of its flags begin with, in `Flags`. */
  readonly prefix: string;
  readonly addOptions: (command: Command) => void;
  readonly required: (flags: Flags) => readonly RequiredFlag<Flags>[];
  /** Asked for only where one was given, and the vault refused it. */
  readonly optional: readonly AskedFlag<Flags>[];
  /** What must be asked for or read, in order. */
  readonly secretLabels: (flags: Flags) => readonly string[];
  /** @param secrets one for each label; the required flags are there */
  readonly define: (flags: Flags, secrets: readonly string[]) => AuthDefinition;
  /** Where its API is, where that needs not be said. */
  readonly defaultBaseUrl?: (flags: Flags) => string;
}
