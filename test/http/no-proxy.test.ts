// Which hosts NO_PROXY covers, in the forms that curl and Go read.

import { describe, expect, it } from 'vitest'
import { readNoProxy } from '../../src/http/no-proxy.ts'

describe('B-106: NO_PROXY', () => {
  it.each([
    ['*', 'any.example'],
    ['example.com', 'example.com'],
    ['example.com', 'a.example.com'],
    ['.example.com', 'example.com'],
    ['*.example.com', 'a.b.example.com'],
    ['EXAMPLE.com', 'a.Example.COM'],
    ['example.com.', 'example.com'],
    ['other, example.com', 'example.com'],
    ['other example.com', 'example.com'],
    ['example.com:443', 'example.com'],
    ['10.0.0.1', '10.0.0.1'],
    ['10.0.0.0/8', '10.255.0.1'],
    ['fd00::/8', 'fd12::1'],
    ['[fd00::1]:443', 'fd00::1'],
    ['fd00::1', 'fd00:0::1'],
  ])('"%s" covers %s', (value, host) => {
    expect(readNoProxy(value)(host, 443)).toBe(true)
  })

  it.each([
    ['', 'example.com'],
    ['example.com', 'badexample.com'],
    ['example.com', 'example.com.evil.net'],
    ['a.example.com', 'example.com'],
    ['example.com:80', 'example.com'],
    ['10.0.0.0/8', '11.0.0.1'],
    ['10.0.0.0/8', '10.example.com'],
    ['10', '10.0.0.1'],
  ])('"%s" does not cover %s', (value, host) => {
    expect(readNoProxy(value)(host, 443)).toBe(false)
  })

  it.each(['10.0.0.0/33', 'fd00::/129', 'example.com/8', '10.0.0.0/'])('refuses the range %s', (value) => {
    expect(() => readNoProxy(value)).toThrow(`NO_PROXY has "${value}", which is not a range of addresses`)
  })
})
