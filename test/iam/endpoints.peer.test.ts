// Where IAM is, held against botocore: a region of each partition, plain, FIPS and dual stack.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { HardkeyError } from '../../src/errors.ts'
import { iamEndpoint } from '../../src/iam/endpoints.ts'
import { builtEnvironment, peer } from '../peers/peer.ts'

const run = promisify(execFile)

const regions = [
  'us-east-1',
  'eu-west-1',
  'cn-northwest-1',
  'us-gov-east-1',
  'us-iso-west-1',
  'us-isob-east-1',
  'eu-isoe-west-1',
  'us-isof-east-1',
  'eusc-de-east-1',
]
const kinds = [
  [false, false],
  [true, false],
  [false, true],
  [true, true],
] as const
const cases = regions.flatMap((region) => kinds.map(([fips, dualstack]) => ({ region, fips, dualstack })))

const script = `
import json, sys, botocore.session
from botocore.config import Config
def place(case):
    s = botocore.session.get_session()
    try: c = s.create_client('iam', region_name=case['region'], aws_access_key_id='a', aws_secret_access_key='b',
        config=Config(use_fips_endpoint=case['fips'], use_dualstack_endpoint=case['dualstack'], retries={'total_max_attempts': 1}))
    except Exception: return ''
    found = {}
    def look(request, **kw):
        found['url'], found['auth'] = request.url, request.headers['Authorization']
        return __import__('botocore.awsrequest').awsrequest.AWSResponse(request.url, 400, {}, None)
    c.meta.events.register('before-send', look)
    try: c.list_access_keys()
    except Exception: pass
    return found.get('url', '').rstrip('/') + ' ' + found.get('auth', '////').decode().split('/')[2]
print(json.dumps([place(c) for c in json.loads(sys.argv[1])]))
`

it('is where botocore asks, and signs for the same region', async () => {
  const { command } = await peer('python')
  const { stdout } = await run(command, ['-c', script, JSON.stringify(cases)], { env: builtEnvironment() })
  const theirs: readonly string[] = JSON.parse(stdout)
  const ours = cases.map(({ region, fips, dualstack }) => {
    try {
      const found = iamEndpoint({ region, useFipsEndpoint: fips, useDualstackEndpoint: dualstack })
      return `${found.url.replace(/\/$/, '')} ${found.signingRegion}`
    } catch (error) {
      // botocore makes up names there that nobody has.
      return error instanceof HardkeyError ? 'refused' : String(error)
    }
  })
  const compared = ours
    .map((place, index) => [place, theirs[index]] as const)
    .filter(([place, other]) => place !== 'refused' && other !== '')
  expect(compared.filter(([place, other]) => place !== other)).toEqual([])
  expect(compared.length).toBeGreaterThan(10)
})
