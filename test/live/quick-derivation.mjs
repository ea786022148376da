/**
 * Loaded into programs of tests (`--import`) that are not about the derivation of keys: Argon2id at the lowest cost that a
 * vault file may have, though its header names the real one. A program without it finds no password right for such a file.
 */
import { createRequire } from "node:module";

const argon2 = createRequire(new URL("../../packages/server/package.json", import.meta.url))("argon2");
const { hash } = argon2;

argon2.hash = (password, options) =>
  hash(password, { ...options, memoryCost: 8, timeCost: 1, parallelism: 1 });
