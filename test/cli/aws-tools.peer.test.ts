// The AWS CLI of Debian and boto3, through the credential_process line that `import --write-profile` wrote. The key
// came from a plaintext profile, which is gone afterwards. moto checks the signatures.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Moto, startMoto } from '../peers/moto.ts'
import { peer } from '../peers/peer.ts'
import { softHsm, testPin } from '../peers/softhsm.ts'
import { CommandHome, type Ran } from './hardkey.ts'

const execute = promisify(execFile)
const sessionArn = 'arn:aws:sts::123456789012:assumed-role/reader/nightly'

const home = new CommandHome()
let moto: Moto
let hsm: Awaited<ReturnType<typeof softHsm>>
let checkedIn: Ran
beforeAll(async () => {
  moto = await startMoto()
  hsm = await softHsm()
  await hsm.addToken('prod')
  const { accessKeyId, secretAccessKey } = moto
  home.write(
    '.aws/credentials',
    `# keep\n[work]\naws_access_key_id = ${accessKeyId}\naws_secret_access_key = ${secretAccessKey}\n` +
      '[other]\nregion = x\n',
  )
  home.write('.aws/config', '# mine\n[profile work]\noutput = json\n')
  const to = `pkcs11:token=prod?module-path=${hsm.module}&pin-source=file:${home.write('pin', testPin)}`
  const source = ['--from', 'profile:work', '--remove-source', '--other-store', '--write-profile', 'work']
  const settings = ['--region', 'us-east-1', '--endpoint-url', moto.url]
  const roles = ['--role-arn', moto.roleArn, '--role-session-name', 'nightly']
  checkedIn = await home.run(['import', 'prod', '--to', to, ...source, ...settings, ...roles], {
    environment: hsm.environment,
  })
})
afterAll(async () => {
  await moto?.stop()
  hsm?.remove()
  home.remove()
})

describe('import --from profile:work --write-profile work --remove-source', () => {
  it('ends well and says what to type next', () => {
    expect(checkedIn.stderr).toContain('hardkey: next: aws sts get-caller-identity --profile work\n')
    expect(checkedIn.status).toBe(0)
  })

  it('takes the plaintext out of the credentials file and leaves the rest', () => {
    expect(home.read('.aws/credentials')).toBe('# keep\n[work]\n[other]\nregion = x\n')
  })

  it('writes one line that names the command by absolute path, and the region', () => {
    const [mine, ...written] = home.read('.aws/config').split('output = json\n')
    expect(mine).toBe('# mine\n[profile work]\n')
    expect(written.join()).toMatch(
      /^credential_process = \/\S+ \/\S+hardkey\.cjs credential-process prod\nregion = us-east-1\n$/,
    )
  })
})

const environment = (): Record<string, string> => home.environment({ ...hsm.environment, AWS_PROFILE: 'work' })

describe('the AWS CLI', () => {
  const aws = async (...words: string[]): Promise<string> => {
    const { command } = await peer('awscli')
    return (await execute(command, [...words, '--endpoint-url', moto.url], { env: environment() })).stdout
  }

  it('says who it is', async () => {
    expect(JSON.parse(await aws('sts', 'get-caller-identity'))).toMatchObject({ Arn: sessionArn })
  })

  it('lists what it has put into S3', async () => {
    await aws('s3', 'mb', 's3://from-the-cli')
    expect(await aws('s3', 'ls')).toContain('from-the-cli')
  })
})

describe('boto3', () => {
  const boto3 = async (lines: string): Promise<string> => {
    const { command } = await peer('python')
    const program = `import boto3\nclient = lambda name: boto3.client(name, endpoint_url='${moto.url}')\n${lines}\n`
    return (await execute(command, ['-c', program], { env: environment() })).stdout.trim()
  }

  it('says who it is', async () => {
    expect(await boto3("print(client('sts').get_caller_identity()['Arn'])")).toBe(sessionArn)
  })

  it('lists what it has put into S3', async () => {
    const put = "s3 = client('s3')\ns3.create_bucket(Bucket='from-boto3')"
    expect(await boto3(`${put}\nprint([bucket['Name'] for bucket in s3.list_buckets()['Buckets']])`)).toContain(
      'from-boto3',
    )
  })
})

describe('forget', () => {
  it('takes our line out of the profile again', async () => {
    const { stdout } = await home.run(['forget', 'prod'], { environment: hsm.environment })
    expect(stdout).toContain('removed credential_process from the AWS profile work')
    expect(home.read('.aws/config')).toBe('# mine\n[profile work]\noutput = json\nregion = us-east-1\n')
  })
})

describe('import --write-profile', () => {
  it('is refused while the profile keeps a plaintext key, before a secret is read', async () => {
    home.write('.aws/credentials', '[plain]\naws_access_key_id = AKIAABCDEFGHIJKLMNOP\naws_secret_access_key = x\n')
    const words = ['import', 'two', '--to', 'embedded', '--from', 'stdin', '--offline', '--write-profile', 'plain']
    const { stderr, status } = await home.run([...words, '--access-key-id', 'AKIAABCDEFGHIJKLMNOP'])
    expect(stderr).toMatch(/^hardkey: error: .*plain/)
    expect(status).toBe(2)
  })
})
