// The commands that learn of hardkey, in the order of the overview: words, options, texts.
// In: nothing. Out: rows of the table.

import type { CommandSpec } from '../command.ts'
import { jsonFlag } from './flags.ts'

export const learnCommands: readonly CommandSpec[] = Object.freeze([
  {
    name: 'demo',
    task: 'learn',
    summary: 'the whole round on this machine, without an account or a device',
    arguments: [],
    flags: [{ name: 'then', value: 'FILE', help: 'a program for Node that is told of the demo on its standard input' }],
    text: [
      'A throw-away secret, an embedded keyset in a temporary folder, an STS on loopback that checks each',
      'signature.',
    ],
    examples: ['hardkey demo'],
    load: async () => (await import('../commands/demo.ts')).demo,
  },
  {
    name: 'help',
    task: 'learn',
    summary: 'this overview, a command, or a topic: uri, pin',
    arguments: [{ name: 'COMMAND|uri|pin', help: 'what to tell of', optional: true }],
    flags: [],
    text: [],
    examples: ['hardkey help import', 'hardkey help uri', 'hardkey help pin'],
    load: async () => (await import('../commands/help.ts')).help,
  },
  {
    name: 'completion',
    task: 'learn',
    summary: 'what Tab offers behind hardkey: a script for bash, zsh or fish',
    arguments: [{ name: 'bash|zsh|fish', help: 'the shell; "words" is for the scripts, which ask with it' }],
    program: { name: 'WORD …', help: 'for words: the line so far, of which the last word is completed' },
    flags: [],
    text: [
      'Commands, options, records, AWS profiles and files; behind exec NAME -- what the shell has there.',
      'In ~/.bashrc or ~/.zshrc, as the script itself says:  eval "$(hardkey completion bash)"',
    ],
    examples: ['hardkey completion bash', 'hardkey completion fish'],
    load: async () => (await import('../commands/completion.ts')).completion,
  },
  {
    name: 'version',
    task: 'learn',
    summary: 'version and surroundings; also hardkey --version',
    arguments: [],
    flags: [jsonFlag],
    text: [],
    examples: ['hardkey --version --json'],
    load: async () => (await import('../commands/version.ts')).version,
  },
] satisfies readonly CommandSpec[])
