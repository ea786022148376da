export type Shell = "bash" | "zsh" | "fish";

export const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

/**
 * What a shell evaluates so that it asks this program what may come next. It answers with a line each, a tab before the
 * description; with nothing, the shell offers files.
 * @param bin the name that the program is called by
 */
export function completionScript(shell: Shell, bin: string): string {
  const id = bin.replace(/[^A-Za-z0-9]/g, "_");
  return SCRIPTS[shell].replaceAll("BIN", bin).replaceAll("ID", id);
}

const BASH = `_ID() {
  local IFS=$'\\n' line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _ID BIN
`;

const ZSH = `#compdef BIN
_ID() {
  local -a found
  local line word
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z "$line" ]] && continue
    word="\${line%%$'\\t'*}"
    if [[ "$line" == *$'\\t'* ]]; then
      found+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
    else
      found+=("\${word//:/\\\\:}")
    fi
  done
  if (( $#found )); then
    _describe -t words BIN found
  else
    _files
  fi
}
compdef _ID BIN
`;

const FISH = `function __ID_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] __complete -- $words[2..-1] 2>/dev/null
end
complete -c BIN -a '(__ID_complete)'
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
