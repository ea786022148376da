import { expect, test } from "vitest";

import { loadPresets } from "../presets/preset-catalogue.js";
import type { LoginFlags } from "./login-flags.js";
import { presetNotes } from "./login-notes.js";
import type { LoginPreset } from "./preset-choice.js";

const FLAGS: LoginFlags = { requireIss: true, browser: true, wait: true };
const ADDRESS = "http://127.0.0.1:8390";

test("say where the client is made, with which redirect URI, and what else to know", async () => {
  const spotify = (await (await loadPresets()).get("spotify")) as LoginPreset;
  expect(presetNotes(spotify, FLAGS, ADDRESS)).toEqual([
    "Spotify: make a client at https://developer.spotify.com/dashboard",
    "  with the redirect URI http://127.0.0.1:8390/auth/oauth2/callback",
    "  The redirect URI must have the literal 127.0.0.1, not localhost.",
  ]);
  const [, given] = presetNotes(spotify, { ...FLAGS, redirectUri: "https://v.example/cb" }, ADDRESS);
  expect(given).toBe("  with the redirect URI https://v.example/cb");
});

test("say nothing of a redirect URI where there is none, or none is known", async () => {
  const salesforce = (await (await loadPresets()).get("salesforce")) as LoginPreset;
  for (const [flags, address] of [
    [FLAGS, "unix:/run/vault.sock"],
    [{ ...FLAGS, device: true }, ADDRESS],
    [{ ...FLAGS, clientSecretFile: "f" }, ADDRESS],
  ] as const) {
    const notes = presetNotes(salesforce, flags, address).join("\n");
    expect(notes).not.toContain("redirect URI");
    expect(notes).toMatch(/^Salesforce: make a client at the provider, see https:/);
  }
});
