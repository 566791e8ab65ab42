// The arguments of a command, and the one table that they, the help and the corrections come from.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { flagsOf, parseCommandArguments } from '../../src/cli/args.ts'
import type { CommandSpec } from '../../src/cli/command.ts'
import { commandText, overviewText } from '../../src/cli/help-text.ts'
import { commands } from '../../src/cli/table.ts'

const spec: CommandSpec = {
  name: 'try',
  task: 'learn',
  summary: 'a command for this test',
  arguments: [
    { name: 'NAME', help: 'must be there' },
    { name: 'MORE', help: 'may be missing', optional: true },
  ],
  flags: [
    { name: 'region', value: 'REGION', help: 'one value' },
    { name: 'tag', value: 'TAG', many: true, help: 'several values' },
    { name: 'json', help: 'a switch' },
  ],
  text: [],
  examples: [],
  load: () => Promise.reject(new Error('not loaded here')),
}

describe('arguments', () => {
  it('are given by name, in any order', () => {
    const args = parseCommandArguments(spec, ['--tag', 'a', 'prod', '--json', '--tag=b', '--region=x'])
    expect(args.word('NAME')).toBe('prod')
    expect(args.optionalWord('MORE')).toBeUndefined()
    expect([args.value('region'), args.values('tag'), args.has('json')]).toEqual(['x', ['a', 'b'], true])
  })

  it('may begin with a dash where the value is joined by =', () => {
    expect(parseCommandArguments(spec, ['prod', '--tag=-x']).values('tag')).toEqual(['-x'])
  })

  it('may be taken once, where they are good for one use', () => {
    const args = parseCommandArguments(spec, ['prod', '--region', 'x'])
    expect([args.takeOnce('region'), args.takeOnce('region'), args.value('region')]).toEqual(['x', undefined, 'x'])
  })

  it('may be missing where only help is asked for', () => {
    expect(parseCommandArguments(spec, ['--help']).has('help')).toBe(true)
    expect(parseCommandArguments(spec, ['-h']).has('help')).toBe(true)
  })

  it('B-100: of whatever form are taken or refused with ERR_USAGE', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('--region', '--tag', '--json', '--', '-', '--json=', '--no-json'),
    )
    fc.assert(
      fc.property(fc.array(word), (words) => {
        try {
          parseCommandArguments(spec, words)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_USAGE' })
        }
      }),
    )
  })
})

describe('the table', () => {
  it.each(commands.map((command) => [command.name, command] as const))(
    'has a command behind %s',
    async (_, command) => {
      expect(await command.load()).toBeTypeOf('function')
    },
  )

  it.each(commands.map((command) => [command.name, command] as const))(
    'has examples of %s that parse',
    (_, command) => {
      for (const example of command.examples) {
        // What a shell makes of the words around it is its own affair: eval "$(hardkey export prod)".
        const [ours = ''] = /(?<=^|\()hardkey [^)"]*/.exec(example) ?? []
        const [line = ''] = ours.split(/ (?=[&|<>])/)
        const [program, name, ...words] = Array.from(line.matchAll(/(?:[^\s']|'[^']*')+/g), ([word]) =>
          word.replaceAll("'", ''),
        )
        expect(program).toBe('hardkey')
        if (name !== '--version') expect(name).toBe(command.name)
        expect(() => parseCommandArguments(command, words)).not.toThrow()
      }
    },
  )

  it.each(commands.map((command) => [command.name, command] as const))('names each option of %s once', (_, command) => {
    const names = flagsOf(command).map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    expect(names.filter((name) => !/^[a-z]+(-[a-z]+)*$/.test(name))).toEqual([])
  })

  it('shows every command in the overview, and every option in its help', () => {
    const overview = overviewText(commands)
    for (const command of commands) {
      expect(overview).toContain(`  ${command.name} `)
      for (const { name } of flagsOf(command)) expect(commandText(command)).toContain(`--${name}`)
    }
  })

  it.each(commands.map((command) => [command.name, command] as const))(
    'of %s fits on a screen, and names no page that is not installed',
    (_, command) => {
      const text = commandText(command)
      const [table = ''] = text.split('\n\nExamples:')
      expect(table.split('\n').filter((line) => line.length > 120)).toEqual([])
      const words = text.replace(/\s+/g, ' ')
      for (const { help } of flagsOf(command)) expect(words).toContain(help.replace(/\s+/g, ' '))
      expect(text).not.toMatch(/docs\/|examples\//)
    },
  )
})
