import { describe, expect, it } from 'vitest'
import { HeaderList } from '../../src/sigv4/canonical-headers.ts'
import { canonicalQuery, queryParameters } from '../../src/sigv4/canonical-query.ts'
import { canonicalUri } from '../../src/sigv4/canonical-uri.ts'

describe('B-114: the path of S3 and its kin', () => {
  it.each([
    ['keeps dot segments', '/a/./b/../c', '/a/./b/../c'],
    ['keeps empty segments', '//a//b//', '//a//b//'],
    ['encodes what is not encoded', "/a b/(c)!*'", '/a%20b/%28c%29%21%2A%27'],
    ['encodes once what is encoded', '/a%20b%2Bc', '/a%20b%2Bc'],
    ['writes the hex digits in upper case', '/%c3%a9', '/%C3%A9'],
    ['writes unreserved characters plainly', '/%41%7E%2d', '/A~-'],
    ['reads an encoded slash as a slash', '/a%2Fb', '/a/b'],
    ['takes a lone percent sign for itself', '/100%/%zz', '/100%25/%25zz'],
    ['encodes a backslash', '/a\\b', '/a%5Cb'],
    ['keeps bytes that are not UTF-8', '/%ff', '/%FF'],
    ['writes the empty path as a slash', '', '/'],
  ])('%s', (_, path, canonical) => {
    expect(canonicalUri(path, 's3')).toBe(canonical)
  })

  it('refuses a bare plus, which stores read in two ways', () => {
    expect(() => canonicalUri('/a+b', 's3')).toThrow(
      expect.objectContaining({ hint: 'write %2B for a plus, %20 for a space' }),
    )
  })
})

describe('B-114: the path of other services', () => {
  it.each([
    ['folds dot segments', '/a/./b/../c', '/a/c'],
    ['folds empty segments', '//a//b//', '/a/b/'],
    ['does not climb above the root', '/../../a', '/a'],
    ['encodes what is encoded once more', '/a%20b', '/a%2520b'],
    ['does not take an encoded dot for a segment', '/a/%2e%2e/b', '/a/%252e%252e/b'],
    ['encodes a lone percent sign', '/100%', '/100%25'],
    ['encodes a plus and a backslash', '/a+b\\c', '/a%2Bb%5Cc'],
    ['keeps names that start with a dot', '/.well-known/..a', '/.well-known/..a'],
    ['leaves the root when all is folded', '/a/..', '/'],
  ])('%s', (_, path, canonical) => {
    expect(canonicalUri(path, 'standard')).toBe(canonical)
  })

  it.each(['s3', 'standard'] as const)('refuses half of a surrogate pair under the rule %s', (rule) => {
    expect(() => canonicalUri('/\ud83d', rule)).toThrow(expect.objectContaining({ code: 'ERR_REQUEST_INVALID' }))
  })
})

describe('the query', () => {
  it.each([
    ['sorts by name, and not by the whole text', 'a-b=1&a=2&a.c=3', 'a=2&a-b=1&a.c=3'],
    ['sorts values of one name', 'a=2&a=10&a=', 'a=&a=10&a=2'],
    ['sorts what is encoded', 'b=1&%E1%88%B4=2&B=3', '%E1%88%B4=2&B=3&b=1'],
    ['gives a name without "=" the empty value', 'acl&a', 'a=&acl='],
    ['encodes an "=" in a value', 'a=b=c', 'a=b%3Dc'],
    ['reads a plus as a space', 'a=b+c%2Bd', 'a=b%20c%2Bd'],
    ['takes a lone percent sign for itself', 'a=100%', 'a=100%25'],
    ['keeps bytes that are not UTF-8', 'a=%ff', 'a=%FF'],
    ['passes over what lies between two ampersands', '&a=1&&', 'a=1'],
    ['keeps the empty name', '=1', '=1'],
    ['encodes a slash', 'prefix=a/b', 'prefix=a%2Fb'],
  ])('%s', (_, query, canonical) => {
    expect(canonicalQuery(queryParameters(query))).toBe(canonical)
  })
})

describe('the headers', () => {
  it('trims values and makes each run of spaces and tabs one space', () => {
    const { lines } = HeaderList.read({ B: ' \t a \t\tb  c\t', A: '' }).canonical()
    expect(lines).toBe('a:\nb:a b c\n')
  })

  it('joins the values of a name in the order given, however it is written', () => {
    const headers = HeaderList.read([
      ['My-Header', 'b'],
      ['Other', 'x'],
      ['my-header', ' a  c '],
    ])
    expect({ ...headers.canonical(), sent: headers.sent }).toEqual({
      lines: 'my-header:b,a c\nother:x\n',
      signedHeaders: 'my-header;other',
      // A server would count the space behind the comma.
      sent: { 'My-Header': 'b,a c', Other: 'x' },
    })
  })

  it('sends but does not sign what a proxy may change', () => {
    const headers = HeaderList.read({
      'User-Agent': 'a',
      Expect: 'b',
      'Sec-Fetch-Mode': 'c',
      Range: 'd',
      Te: 'e',
      Tea: 'f',
    })
    expect({ signed: headers.canonical().signedHeaders, sent: Object.keys(headers.sent).length }).toEqual({
      signed: 'range;tea',
      sent: 6,
    })
  })

  it('reads a Headers object', () => {
    expect(HeaderList.read(new Headers({ 'X-A': '1' })).canonical().lines).toBe('x-a:1\n')
  })

  it.each([
    ['a line end in a value', { a: 'b\r\nc: d' }],
    ['a zero byte in a value', { a: '\0' }],
    ['a character beyond Latin-1', { a: '漢' }],
    ['a space in a name', { 'a b': 'c' }],
    ['a line end in a name', { 'a\n': 'c' }],
    ['an empty name', { '': 'c' }],
    ['two Host headers', { Host: 'a', host: 'b' }],
    ['a name that an object cannot hold', [['__proto__', 'a']] as const],
  ])('B-110: refuses %s', (_, headers) => {
    expect(() => HeaderList.read(headers)).toThrow(expect.objectContaining({ code: 'ERR_REQUEST_INVALID' }))
  })
})
