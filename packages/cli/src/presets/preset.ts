import type { PresetAuth } from "./preset-auth.js";

/** An entry of `presets/providers.yaml`, whose header explains the fields. Names are those of the file. */
export interface Preset {
  readonly title: string;
  readonly category: string;
  readonly family?: string;
  readonly base_url: string;
  /** The host has other APIs too. */
  readonly shared_host?: true;
  /** There are no keys. */
  readonly login_only?: true;
  readonly tenant?: TenantRule;
  readonly other_hosts?: readonly string[];
  readonly auth: PresetAuth;
  readonly required_headers?: Readonly<Record<string, string>>;
  readonly optional_headers?: Readonly<Record<string, string>>;
  readonly oauth2?: PresetLogin;
  readonly test?: PresetTest;
  readonly key_pattern?: string;
  readonly env?: readonly string[];
  readonly sdk_base_url_env?: {
    readonly name: string;
    readonly default?: string;
    readonly includes_v1: boolean;
    readonly includes_path?: string;
    readonly trailing_slash?: true;
  };
  readonly docs: string;
  readonly confidence: "high" | "medium";
  readonly note?: string;
}

export interface TenantRule {
  readonly meaning: string;
  readonly example: string;
  readonly default?: string;
  /** Anchored at both ends. */
  readonly pattern: string;
}

export interface PresetLogin {
  readonly apps_page?: string;
  readonly base_url?: string;
  readonly tenant?: TenantRule;
  readonly authorize_url: string;
  readonly token_url: string;
  readonly refresh_url?: string;
  readonly device_url?: string;
  readonly client_auth: "post" | "basic";
  readonly token_body?: "json";
  readonly token_header?: string;
  readonly pkce?: true;
  readonly scope_separator?: " " | ",";
  readonly offline_scope?: string;
  readonly example_scopes?: readonly string[];
  readonly extra_authorize_params?: Readonly<Record<string, string | number>>;
  readonly extra_token_params?: Readonly<Record<string, string | number>>;
  readonly refresh?: "rotates" | "static" | "none";
  readonly expires_in?: number | "absent";
  readonly may_never_end?: true;
  /** What whoever logs in is told. */
  readonly advice?: string;
  readonly confidence: "high" | "medium";
  readonly note?: string;
}

export interface PresetTest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly expect: {
    readonly status: number;
    readonly json?: Readonly<Record<string, unknown>>;
    readonly json_present?: readonly string[];
  };
}
