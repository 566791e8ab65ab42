// The OpenBao servers of the tests do what their users rely on.

import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { startOpenBao } from './openbao.ts'
import { startOpenBaoCluster } from './openbao-cluster.ts'

it('one server with TLS, a key brought in by its own command, a narrow token, an audit file', async () => {
  const bao = await startOpenBao()
  try {
    const key = Buffer.from('AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY')
    await bao.importHmacKey('aws', key)
    const token = await bao.tokenFor('path "transit/hmac/aws/sha2-256" { capabilities = ["update"] }')
    const input = Buffer.from('20150830').toString('base64')
    const answer = await bao.call('PUT', 'transit/hmac/aws/sha2-256', { input }, token)
    const expected = createHmac('sha256', key).update('20150830').digest('base64')
    expect(answer.body.data?.hmac).toBe(`vault:v1:${expected}`)
    expect((await bao.call('GET', 'transit/keys/aws', undefined, token)).status).toBe(403)
    expect(readFileSync(bao.auditFile, 'utf8')).toContain('transit/hmac/aws/sha2-256')
  } finally {
    await bao.stop()
  }
})

it('three nodes: another leads after the leader was killed, and the killed one comes back', async () => {
  const cluster = await startOpenBaoCluster()
  try {
    const first = await cluster.leader()
    await cluster.done('POST', 'transit/keys/own', { type: 'hmac', key_size: 32 })
    await cluster.kill(first)
    const second = await cluster.leader()
    expect(second).not.toBe(first)
    expect((await cluster.call('GET', 'transit/keys/own')).status).toBe(200)
    await cluster.start(first)
    await cluster.kill(second)
    expect((await cluster.call('GET', 'transit/keys/own')).status).toBe(200)
  } finally {
    await cluster.stop()
  }
})
