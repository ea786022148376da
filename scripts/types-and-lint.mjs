/**
 * The types and the lint rules of all sources, by one program of the compiler: what it finds out about types to check them,
 * eslint's rules ask it for. Exits 1 for any error or warning.
 */
import path from "node:path";
import { ESLint } from "eslint";
import ts from "typescript";
import { ROOT } from "./run-process.mjs";

const CONFIG = path.join(ROOT, "tsconfig.json");

/** @type {ts.FormatDiagnosticsHost} */
const FORMAT = {
  getCanonicalFileName: (name) => name,
  getCurrentDirectory: () => ROOT,
  getNewLine: () => "\n",
};

const program = createProgram();
const faults = ts.getPreEmitDiagnostics(program);
process.stdout.write(ts.formatDiagnostics(faults, FORMAT));

const eslint = new ESLint({
  cwd: ROOT,
  // Before the project of eslint.config.js, which says the same to an editor.
  overrideConfig: { languageOptions: { parserOptions: { programs: [program] } } },
});
const results = await eslint.lintFiles(["."]);
const formatter = await eslint.loadFormatter("stylish");
process.stdout.write(await formatter.format(results));
const isClean = results.every(({ errorCount, warningCount }) => errorCount + warningCount === 0);
process.exitCode = faults.length === 0 && isClean ? 0 : 1;

/** All that tsconfig.json names. */
function createProgram() {
  const parsed = ts.getParsedCommandLineOfConfigFile(CONFIG, undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (diagnostic) => {
      throw new Error(ts.formatDiagnostic(diagnostic, FORMAT));
    },
  });
  if (parsed === undefined) throw new Error(`${CONFIG} cannot be read`);
  const { fileNames: rootNames, options, errors: configFileParsingDiagnostics } = parsed;
  // With parents set, as eslint's parser wants them.
  const host = ts.createCompilerHost(options, true);
  return ts.createProgram({ rootNames, options, host, configFileParsingDiagnostics });
}
