// What a signature costs as the request grows: bodies of 100 B to 64 MiB, 5 to 60 headers. In: how long to measure. Out:
// rows of the table, each against aws4, and for a body also against its hash alone.

import { hash } from 'node:crypto'
import aws4 from 'aws4'
import { secretDateKeys } from '../src/sigv4/date-key.ts'
import { type SigV4Signer, sigV4Signer } from '../src/sigv4/signer.ts'
import { type Contender, compare, type Effort, type Row, time } from './measure.ts'

const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
const scope = { region: 'us-east-1', service: 'sqs' }
const host = 'sqs.us-east-1.amazonaws.com'
const sizes = [100, 10 << 10, 1 << 20, 64 << 20]
const counts = [5, 20, 60]

export async function growthRows(effort: Effort): Promise<Row[]> {
  const signer = sigV4Signer({ keys: secretDateKeys(credentials), ...scope })
  const rows: Row[] = []
  for (const size of sizes) rows.push(await bodyRow(signer, size, effort))
  for (const count of counts) rows.push(await headersRow(signer, count, effort))
  return rows
}

async function bodyRow(signer: SigV4Signer, size: number, effort: Effort): Promise<Row> {
  const body = Buffer.alloc(size, 'x')
  const headers = { 'content-type': 'application/octet-stream' }
  const figures = await compare(
    [...signers(signer, headers, body), { name: 'hash', times: 1, run: () => hash('sha256', body, 'hex') }],
    effort,
  )
  const share = (figures.ratio('hash', 'hardkey') * 100).toFixed(0)
  return {
    what: `sign POST ${size < 1 << 20 ? `${size} B` : `${size >> 20} MiB`}`,
    ours: time(figures.microseconds('hardkey')),
    compared: `${against(figures.microseconds('aws4'), figures.ratio('aws4', 'hardkey'))}; its hash alone ${share} %`,
    target: '',
  }
}

async function headersRow(signer: SigV4Signer, count: number, effort: Effort): Promise<Row> {
  const headers = Object.fromEntries(Array.from({ length: count }, (_, at) => [`x-header-${at}`, `value ${at}`]))
  const figures = await compare(signers(signer, headers, 'a'), effort)
  return {
    what: `sign POST, ${count} headers`,
    ours: time(figures.microseconds('hardkey')),
    compared: against(figures.microseconds('aws4'), figures.ratio('aws4', 'hardkey')),
    target: '',
  }
}

function against(microseconds: number, ratio: number): string {
  return `aws4 ${time(microseconds)}, ${ratio.toFixed(2)} times`
}

function signers(signer: SigV4Signer, headers: Record<string, string>, body: Buffer | string): Contender[] {
  const url = `https://${host}/`
  return [
    { name: 'hardkey', times: 1, run: () => signer.sign({ method: 'POST', url, headers, body }) },
    {
      name: 'aws4',
      times: 1,
      run: () => aws4.sign({ method: 'POST', host, path: '/', headers, body, ...scope }, credentials),
    },
  ]
}
