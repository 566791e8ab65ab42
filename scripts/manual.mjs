// The manual page hardkey(1). In: the table of commands and the topics, the same that --help prints. Out: man(7) source.
// Groff's man(7), "Document structure": a line that begins with . or ' is a request, a backslash begins an escape.

/** The page as text. `cli` has what src/cli/table.ts and src/cli/help-text.ts export, and the common options. */
export function manualPage({ commands, topicTexts, usageLine, commonFlags }, { version }) {
  const shared = sharedFlags(commands)
  return [
    `.TH HARDKEY 1 "" "hardkey ${version}" "User Commands"`,
    '.SH NAME',
    'hardkey \\- sign AWS requests with a secret access key that never leaves its device',
    '.SH SYNOPSIS',
    '.B hardkey',
    '.I COMMAND',
    '.RI [ arguments ]',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    'A device computes the first HMAC of AWS Signature Version 4; everything else is derived in the host.',
    'A key is named by its record',
    '.RI ( NAME )',
    'or by a key URI.',
    '.SH COMMANDS',
    ...commands.flatMap((command) => commandLines(command, usageLine, shared)),
    '.SH OPTIONS',
    'What several commands take, and every command:',
    ...[...shared.values(), ...commonFlags].flatMap(flagLines),
    ...Object.entries(topicTexts).flatMap(([topic, text]) => [
      `.SH ${topic === 'uri' ? 'KEY URIS' : 'WHAT UNLOCKS A DEVICE'}`,
      ...verbatim(text.split('\n')),
    ]),
    '.SH EXIT STATUS',
    '0: done. 1: a failure. 2: wrong input. 128 and its number: ended by a signal.',
    '.B exec',
    'gives the status of the program that it ran.',
    '.SH SEE ALSO',
    '.BR aws (1)',
    '',
  ]
    .filter((line, index, all) => line !== '' || index === all.length - 1)
    .join('\n')
}

/** The options that more than two commands take in the same words, by what they say. */
function sharedFlags(commands) {
  const times = new Map()
  const all = commands.flatMap(({ flags }) => flags)
  for (const flag of all) times.set(identity(flag), (times.get(identity(flag)) ?? 0) + 1)
  return new Map(all.filter((flag) => times.get(identity(flag)) > 2).map((flag) => [identity(flag), flag]))
}

function identity({ name, value, help }) {
  return JSON.stringify([name, value, help])
}

function commandLines(command, usageLine, shared) {
  const own = command.flags.filter((flag) => !shared.has(identity(flag)))
  const others = command.flags.filter((flag) => shared.has(identity(flag)))
  return [
    `.SS ${escaped(usageLine(command))}`,
    escaped(`${capital(command.summary)}.`),
    ...(command.text.length === 0 ? [] : ['.PP', ...command.text.flatMap(textLine)]),
    ...command.arguments.flatMap(({ name, help }) => ['.TP', `.I ${escaped(name)}`, escaped(help)]),
    ...own.flatMap(flagLines),
    ...(others.length === 0 ? [] : ['.PP', escaped(`Also: ${others.map(({ name }) => `--${name}`).join(', ')}.`)]),
    '.PP',
    'Examples:',
    ...verbatim(command.examples.map((example) => `  ${example}`)),
  ]
}

function flagLines({ name, value, help, variable }) {
  const form = value === undefined ? `\\-\\-${escaped(name)}` : `\\-\\-${escaped(name)} ${escaped(value)}`
  return ['.TP', `.B ${form}`, escaped(variable === undefined ? help : `${help} [${variable}]`)]
}

/** A line that tells of an option begins anew; others flow. */
function textLine(line) {
  return line.startsWith('--') ? ['.br', escaped(line)] : [escaped(line)]
}

function verbatim(lines) {
  return ['.PP', '.nf', ...lines.map((line) => (line === '' ? '.sp' : escaped(line))), '.fi']
}

/** Text as troff reads it: ASCII, with names for the rest. */
function escaped(text) {
  const plain = text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^(?=[.'])/, '\\&')
  return plain.replace(
    /[\u0080-\uffff]/g,
    (other) => `\\[u${other.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
  )
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
