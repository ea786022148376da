/** Why the vault would refuse the name, said before the other questions are answered in vain; undefined if it would not. */
export function serviceNameProblem(value: string): string | undefined {
  return /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}$/.test(value)
    ? undefined
    : "1 to 128 letters, digits, dots, underscores and dashes, first a letter or digit";
}
