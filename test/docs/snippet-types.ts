import { fileURLToPath } from "node:url";
import ts from "typescript";
import type { FencedBlock } from "./fenced-blocks.js";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Errors of types in pieces of TypeScript and JavaScript, each with its page and line; as strict as the sources. */
export function typeProblems(blocks: readonly FencedBlock[]): string[] {
  const sources = new Map(
    blocks.map((block, index) => [`${ROOT}test/docs/snippet-${String(index)}.ts`, block]),
  );
  const options: ts.CompilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck: true, exactOptionalPropertyTypes: true, types: ["node"] },
    ...{
      target: ts.ScriptTarget.ES2023,
      module: ts.ModuleKind.NodeNext,
      moduleDetection: ts.ModuleDetectionKind.Force,
    },
    lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
    paths: {
      "@vault-proxy/client": [`${ROOT}packages/client/src/index.ts`],
      "@vault-proxy/client/functions": [`${ROOT}packages/client/src/functions.ts`],
    },
  };
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) => {
    const block = sources.get(name);
    return block === undefined
      ? read(name, ...rest)
      : ts.createSourceFile(name, `${block.given}\n${block.text}\n${block.then}`, ts.ScriptTarget.ES2023);
  };
  const program = ts.createProgram([...sources.keys()], options, host);
  return [...sources].flatMap(([name, block]) => {
    const file = program.getSourceFile(name);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      (problem) => {
        const line = problem.file?.getLineAndCharacterOfPosition(problem.start ?? 0).line ?? 0;
        const text = ts.flattenDiagnosticMessageText(problem.messageText, " ");
        return `${block.page}:${String(block.line + line)}: ${text}`;
      },
    );
  });
}

/** A module that Node 20 runs. */
export function runnableModule(block: FencedBlock): string {
  const options = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(`${block.given}\n${block.text}\n${block.then}`, { compilerOptions: options })
    .outputText;
}
