/** For `module.register`: lets a script import a TypeScript module of the tests by its name after compilation. */
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import ts from "typescript";

/** @type {import("node:module").ResolveHook} */
export const resolve = (specifier, context, next) => {
  if (!specifier.startsWith(".") || context.parentURL === undefined) return next(specifier, context);
  const url = new URL(specifier.replace(/\.js$/, ".ts"), context.parentURL).href;
  return existsSync(fileURLToPath(url)) ? { url, shortCircuit: true } : next(specifier, context);
};

/** @type {import("node:module").LoadHook} */
export const load = (url, context, next) => {
  if (!url.endsWith(".ts")) return next(url, context);
  const { outputText } = ts.transpileModule(readFileSync(fileURLToPath(url), "utf8"), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  });
  return { format: "module", source: outputText, shortCircuit: true };
};
