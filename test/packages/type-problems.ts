import ts from "typescript";

/**
 * What the compiler says of a file and of the declarations below `folder` that it uses. Unlike by `tsc`, the
 * declarations of the language and of Node are not checked themselves, which takes most of its time.
 */
export function typeProblems(file: string, folder: string, options: ts.CompilerOptions): string[] {
  const program = ts.createProgram([file], { ...options, strict: true, noEmit: true });
  const checked = program.getSourceFiles().filter(({ fileName }) => fileName.startsWith(folder));
  const problems = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...checked.flatMap((source) => [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ]),
  ];
  return problems.map(({ file: source, start = 0, messageText }) => {
    const text = ts.flattenDiagnosticMessageText(messageText, "\n");
    if (source === undefined) return text;
    const { line } = source.getLineAndCharacterOfPosition(start);
    return `${source.fileName}:${line + 1}: ${text}`;
  });
}
