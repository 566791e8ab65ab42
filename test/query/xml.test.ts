// The strict reader: one kind of document, whole or not at all. F-H08, F-H09.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readJson } from '../../src/query/json.ts'
import { readXml } from '../../src/query/xml.ts'

const asXml = (text: string): string =>
  text.replace(/[&<>"']/g, (one) => `&#${one === '&' ? 'x26' : one.charCodeAt(0)};`).replace(/\r/g, '&#13;')

describe('XML', () => {
  it('gives names, namespace, children and text', () => {
    const root = readXml('<?xml version="1.0"?>\n<A xmlns="n">\n <B>x &lt;&#x41;&#66;&amp;</B> <C/></A >\n')
    expect(root).toMatchObject({
      name: 'A',
      namespace: 'n',
      children: [
        { name: 'B', text: 'x <AB&' },
        { name: 'C', text: '' },
      ],
    })
  })

  it('gives back any text that XML can carry', () => {
    const character = fc
      .integer({ min: 0x20, max: 0x10fffd })
      .filter((code) => (code & 0xfffe) !== 0xfffe && (code < 0xd800 || code > 0xdfff))
    const text = fc.array(character, { maxLength: 40 }).map((codes) => String.fromCodePoint(...codes))
    fc.assert(fc.property(text, (any) => readXml(`<A>${asXml(any)}</A>`)?.text === any))
  })

  it.each([
    ['nothing', ''],
    ['text', 'hello'],
    ['an open element', '<A><B></B>'],
    ['a wrong end', '<A><B></A></B>'],
    ['an end too many', '<A></A></A>'],
    ['two roots', '<A/><B/>'],
    ['text beside the root', '<A/>x'],
    ['text beside elements', '<A>x<B/></A>'],
    ['CDATA', '<A><![CDATA[x]]></A>'],
    ['a comment', '<A><!-- x --></A>'],
    ['a document type', '<!DOCTYPE A><A/>'],
    ['an entity of its own', '<!DOCTYPE A [<!ENTITY e "x">]><A>&e;</A>'],
    ['an unknown entity', '<A>&e;</A>'],
    ['a bare ampersand', '<A>a & b</A>'],
    ['a NUL reference', '<A>&#0;</A>'],
    ['a reference past Unicode', '<A>&#x110000;</A>'],
    ['a surrogate', '<A>&#xD800;</A>'],
    ['a control character', '<A>\u0007</A>'],
    ['a prefix', '<s:A xmlns:s="n"/>'],
    ['an attribute', '<A b="c"/>'],
    ['an attribute at an end', '<A></A xmlns="n">'],
    ['an instruction', '<A><?x y?></A>'],
    ['nine elements deep', '<A>'.repeat(9) + '</A>'.repeat(9)],
    ['HTML', '<!doctype html><title>500</title>'],
  ])('refuses %s', (_, text) => {
    expect(readXml(text)).toBeUndefined()
  })

  it('ends with any input', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('<', '>', '/', 'A', ' ', '&', ';', '"', '=', 'xmlns') }),
        (text) => {
          const root = readXml(text)
          return root === undefined || root.name.startsWith('A') || root.name.startsWith('xmlns')
        },
      ),
    )
  })

  it('reads 64 KiB of brackets in a moment', () => {
    for (const piece of ['<', '<A', '<A>', '<A xmlns="', '&', '<A/>', ' ']) readXml(piece.repeat(65_536 / piece.length))
  })
})

describe('JSON', () => {
  it('gives the same tree', () => {
    const root = readJson('{"A":{"B":"x","C":1.5,"D":null,"__proto__":"p"}}')
    expect(root?.children[0]?.children.map(({ name, text }) => [name, text])).toEqual([
      ['B', 'x'],
      ['C', '1.5'],
      ['D', ''],
      ['__proto__', 'p'],
    ])
  })

  it.each([
    '',
    '{',
    '[]',
    '"x"',
    '{"A":[]}',
    '{"A":"1","A":"2"}',
    '{"A":{"B":1},"A":{"B":2}}',
    `${'{"A":'.repeat(9)}1${'}'.repeat(9)}`,
  ])('refuses %s', (text) => {
    expect(readJson(text)?.children ?? []).toEqual([])
  })

  it('takes a colon inside a text for what it is', () => {
    expect(readJson('{"A":"\\"B\\": \\"C\\":"}')?.children[0]?.text).toBe('"B": "C":')
  })
})
