// What a shell runs when Tab is pressed behind `hardkey`. In: nothing. Out: the text for each shell. The words come from
// `hardkey completion words`, a line each with its help behind a tab, so a script is never older than the command; `:files`
// and `:program` leave it to the shell.
// bash: "Programmable Completion"; zsh: zshcompsys(1); fish: "Writing your own completions".

export const completionScripts: Readonly<Record<'bash' | 'zsh' | 'fish', string>> = Object.freeze({
  // Split by spaces alone: COMP_WORDS is split at each colon, of which an ARN has five.
  bash: `# in ~/.bashrc: eval "$(hardkey completion bash)"
_hardkey() {
  local word words
  read -ra words <<<"\${COMP_LINE:0:COMP_POINT}x"
  words[\${#words[@]}-1]=\${words[\${#words[@]}-1]%x}
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    case $word in
    :files) compopt -o default ;;
    :program)
      compopt -o default
      if [[ \${words[\${#words[@]}-2]} == -- ]]; then
        while read -r word; do COMPREPLY+=("$word"); done < <(compgen -c -- "\${words[\${#words[@]}-1]}")
      fi
      ;;
    *) COMPREPLY+=("$word") ;;
    esac
  done < <(command "$1" completion words -- "\${words[@]:1}" 2>/dev/null)
}
complete -F _hardkey hardkey`,
  zsh: `#compdef hardkey
# in ~/.zshrc, behind compinit: eval "$(hardkey completion zsh)"
_hardkey() {
  local line
  local -a offers
  for line in "\${(@f)$(command \${words[1]} completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    case $line in
    '') ;;
    :files) _files; return ;;
    :program)
      while [[ $words[1] != -- ]]; do shift words; (( CURRENT-- )); done
      shift words
      (( CURRENT-- ))
      _normal
      return
      ;;
    *) offers+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done
  _describe -V hardkey offers
}
if [[ $funcstack[1] == _hardkey ]]; then _hardkey "$@"; else compdef _hardkey hardkey; fi`,
  fish: `# in ~/.config/fish/config.fish: hardkey completion fish | source
function __hardkey_offers
    set -l words (commandline -opc) (commandline -ct)
    for offer in (command $words[1] completion words -- $words[2..-1] 2>/dev/null)
        switch $offer
            case ':files'
                __fish_complete_path (commandline -ct)
            case ':program'
                set -l mark (contains -i -- -- $words)
                complete -C (string join -- ' ' (string escape -- $words[(math $mark + 1)..-2]) $words[-1])
            case '*'
                printf '%s\\n' $offer
        end
    end
end
complete -c hardkey -f -k -a '(__hardkey_offers)'`,
})
