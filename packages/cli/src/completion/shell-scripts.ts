export type Shell = "bash" | "zsh" | "fish";

export const SHELLS: readonly Shell[] = ["bash", "zsh", "fish"];

/**
 * What a shell evaluates so that it asks this program what may come next. It answers with a line each, a tab before the
 * description; with nothing, the shell offers files. A line that begins with the tab is `nothing`, or `program N`: the
 * word at that index, counted from 0 behind this program's name, begins the command line of another.
 * @param bin the name that the program is called by
 */
export function completionScript(shell: Shell, bin: string): string {
  const id = bin.replace(/[^A-Za-z0-9]/g, "_");
  return SCRIPTS[shell].replaceAll("BIN", bin).replaceAll("ID", id);
}

const BASH = `_ID() {
  local IFS=$'\\n' line at=
  COMPREPLY=()
  while IFS= read -r line; do
    case "$line" in
      $'\\tnothing') compopt +o default 2>/dev/null ;;
      $'\\tprogram '*) at=$((\${line##* } + 1)) ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${COMP_WORDS[0]}" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  [[ -z "$at" ]] && return
  if declare -F _command_offset >/dev/null; then
    IFS=$' \\t\\n' _command_offset "$at"
  elif ((COMP_CWORD == at)); then
    COMPREPLY=($(compgen -c -- "\${COMP_WORDS[COMP_CWORD]}"))
  fi
}
complete -o default -F _ID BIN
`;

const ZSH = `#compdef BIN
_ID() {
  local -a found
  local line word
  for line in "\${(@f)$("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -z "$line" ]] && continue
    [[ "$line" == $'\\tnothing' ]] && return 1
    if [[ "$line" == $'\\tprogram '* ]]; then
      local at=$(( \${line##* } + 1 ))
      shift $at words
      (( CURRENT -= at ))
      _normal
      return
    fi
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
    set -l lines ($words[1] __complete -- $words[2..-1] 2>/dev/null)
    if test (count $lines) -eq 0
        __fish_complete_path (commandline -ct)
    else if string match -q \\t'program *' -- $lines[1]
        set -l at (math (string replace -r '.* ' '' -- $lines[1]) + 2)
        complete -C (string join ' ' -- (string escape -- $words[$at..-2]) $words[-1])
    else if test "$lines[1]" != \\tnothing
        printf '%s\\n' $lines
    end
end
complete -c BIN -f -a '(__ID_complete)'
`;

const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
