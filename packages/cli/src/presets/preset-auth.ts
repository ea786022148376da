/** How an API takes its credential, as an entry of `presets/providers.yaml` says. */
export type PresetAuth =
  | { readonly type: "bearer"; readonly exchange?: object }
  | { readonly type: "header"; readonly header_name: string; readonly value_prefix?: string }
  | { readonly type: "headers"; readonly headers: readonly string[] }
  | BasicPreset
  | { readonly type: "query"; readonly params: readonly string[] }
  | { readonly type: "url"; readonly template: string }
  | ClientPreset
  | { readonly type: "service_account"; readonly token_url: string; readonly default_scope: string }
  | { readonly type: "aws_sigv4" };

export interface BasicPreset {
  readonly type: "basic";
  /** What the user name and the password are, in words. */
  readonly username: string;
  readonly password: string;
  readonly username_literal?: string;
  readonly username_suffix?: string;
  readonly password_literal?: string;
}

/** A client that gets tokens for itself (RFC 6749 §4.4). */
export interface ClientPreset {
  readonly type: "oauth2_client";
  readonly token_url: string;
  readonly client_auth: "post" | "basic";
  readonly scope?: string;
  /** `{name}` in a value is for the user to fill in. */
  readonly extra_token_params?: Readonly<Record<string, string | number>>;
}
