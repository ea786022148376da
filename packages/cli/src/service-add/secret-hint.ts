import type { Preset } from "../presets/preset.js";

/**
 * Why a secret may not be the one that was meant, as a warning: an API may change the shape of its keys any day, so that
 * none is refused. Nothing of the secret is in it.
 */
export function secretHint(
  { title, auth, key_pattern: pattern }: Preset,
  secret: string,
): string | undefined {
  if (/^\s|\s$/.test(secret)) return "the secret begins or ends with white space";
  if (/^(["'`]).*\1$/.test(secret))
    return "the secret is in quotation marks, which are stored as a part of it";
  if (auth.type === "bearer" && /^bearer\s/i.test(secret)) {
    return 'the secret begins with "Bearer", which the vault adds by itself';
  }
  if (/^tok_[\w-]{43}$/.test(secret)) return `that is a token of the vault, not a key of ${title}`;
  if (pattern === undefined || new RegExp(pattern).test(secret)) return undefined;
  return `that does not look like a key of ${title}; it is stored as it is`;
}
