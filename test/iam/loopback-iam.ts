// IAM and STS for one user on loopback: real signatures, real states of keys, the limit of two. In: what is to go wrong.
// Out: a URL, what was called, every secret that was given out. AWS IAM API Reference 2010-05-08, STS 2011-06-15.
// Faults are a function that is asked before each act.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { checkSignature, Refused } from '../aws-sdk/signature-check.ts'
import { throwAwayKey } from '../cli/hardkey.ts'

export interface IamKey {
  readonly secret: string
  active: boolean
  created: Date
  used?: { readonly date: Date; readonly service: string }
  /** So many calls that it signs are refused yet, as if IAM had not settled. */
  unsettled: number
}

export interface IamCall {
  readonly action: string
  /** Who signed. */
  readonly by: string
  readonly form: URLSearchParams
}

/**
 * `lost`: it is done, and the connection ends without an answer. `cut`: the same, and it is not done. `silent`: the
 * connection stays, and nobody answers. Else AWS's code.
 */
export type IamFault = 'lost' | 'cut' | 'silent' | { readonly status: number; readonly code: string }

interface Answer {
  readonly status: number
  readonly body: string
}

const account = '111122223333'
const silence = 'silent'

export class LoopbackIam {
  readonly keys: Map<string, IamKey> = new Map()
  readonly calls: IamCall[] = []
  /** Every permanent secret that CreateAccessKey gave out. */
  readonly given: string[] = []
  userName = 'hk'
  /** Inline policies by `user/NAME/POLICY` and `role/NAME/POLICY`. */
  readonly policies: Map<string, string> = new Map()
  fault: (call: IamCall) => IamFault | undefined = () => undefined
  /** Called before and after each act. */
  watch: () => void = () => {}
  /** IAM takes sessions alone that an MFA code opened; each code once. */
  wantsMfa = false
  /** Of the keys that are made from now on. */
  unsettledCalls = 0
  /** The time of the server. */
  now: () => Date = () => new Date()
  readonly #sessions = new Map<string, { readonly secret: string; readonly token: string }>()
  readonly #codes = new Set<string>()
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch(() => response.destroy())
    })
  }

  static async start(): Promise<LoopbackIam> {
    const made = new LoopbackIam()
    await new Promise<void>((resolve) => made.#server.listen(0, '127.0.0.1', resolve))
    return made
  }

  get url(): string {
    // A server that listens on a port has an address of this kind.
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  /** A key of the user, as if it had been there for long. */
  addKey(created: Date = new Date('2026-01-02T03:04:05Z')): {
    readonly accessKeyId: string
    readonly secretAccessKey: string
  } {
    const key = throwAwayKey()
    this.keys.set(key.accessKeyId, { secret: key.secretAccessKey, active: true, created, unsettled: 0 })
    return key
  }

  /** IDs of the keys that sign. */
  active(): readonly string[] {
    return [...this.keys].filter(([, key]) => key.active).map(([id]) => id)
  }

  /** Names of the actions so far. */
  actions(): readonly string[] {
    return this.calls.map(({ action }) => action)
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]))
    const form = new URLSearchParams(body.toString('utf8'))
    let answer: Answer
    try {
      const secrets = new Map([...this.keys, ...this.#sessions].map(([id, { secret }]) => [id, secret]))
      const received = { method: request.method ?? '', target: request.url ?? '', headers, body }
      const { accessKeyId, service } = checkSignature(received, secrets)
      answer = this.#act({ action: form.get('Action') ?? '', by: accessKeyId, form }, service, headers)
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      const code = error.code === 'InvalidAccessKeyId' ? 'InvalidClientTokenId' : error.code
      if (code === silence) return
      if (code === '') return void response.destroy()
      answer = error instanceof Faulted ? refusal(error.status, code, error.text) : refusal(403, code)
    }
    response.writeHead(answer.status, { 'content-type': 'text/xml', date: this.now().toUTCString() })
    response.end(answer.body)
  }

  #act(call: IamCall, service: string, headers: Readonly<Record<string, string>>): Answer {
    const { by, action } = call
    const session = this.#sessions.get(by)
    if (session !== undefined && headers['x-amz-security-token'] !== session.token) throw new Refused('ExpiredToken')
    const key = this.keys.get(by)
    if (key !== undefined) {
      if (!key.active) throw new Refused('InvalidClientTokenId')
      if (key.unsettled > 0) {
        key.unsettled -= 1
        throw new Refused('InvalidClientTokenId')
      }
      key.used = { date: this.now(), service }
    }
    const fault = this.fault(call)
    if (fault === 'cut') throw new Refused('')
    if (fault === 'silent') throw new Refused(silence)
    if (typeof fault === 'object') throw new Faulted(fault.status, fault.code)
    if (service === 'iam' && this.wantsMfa && session === undefined) throw new Refused('AccessDenied')
    this.watch()
    const result = service === 'iam' ? this.#iam(call) : this.#sts(call)
    this.watch()
    this.calls.push(call)
    if (fault === 'lost') throw new Refused('')
    const namespace =
      service === 'iam' ? 'https://iam.amazonaws.com/doc/2010-05-08/' : 'https://sts.amazonaws.com/doc/2011-06-15/'
    const inside = result === '' ? '' : `<${action}Result>${result}</${action}Result>`
    const metadata = '<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata>'
    return { status: 200, body: `<${action}Response xmlns="${namespace}">${inside}${metadata}</${action}Response>` }
  }

  #iam({ action, form }: IamCall): string {
    if (action === 'PutRolePolicy') return this.#putPolicy(`role/${form.get('RoleName')}`, form)
    if (action !== 'GetAccessKeyLastUsed' && form.get('UserName') !== this.userName)
      throw new Faulted(404, 'NoSuchEntity', `The user with name ${form.get('UserName')} cannot be found.`)
    const id = form.get('AccessKeyId') ?? ''
    const named = this.keys.get(id)
    switch (action) {
      case 'ListAccessKeys':
        return `<AccessKeyMetadata>${[...this.keys].map((entry) => this.#member(entry)).join('')}</AccessKeyMetadata><IsTruncated>false</IsTruncated>`
      case 'CreateAccessKey':
        return this.#create()
      case 'PutUserPolicy':
        return this.#putPolicy(`user/${this.userName}`, form)
    }
    if (named === undefined) throw new Faulted(404, 'NoSuchEntity')
    switch (action) {
      case 'UpdateAccessKey':
        named.active = form.get('Status') === 'Active'
        return ''
      case 'DeleteAccessKey':
        this.keys.delete(id)
        return ''
      case 'GetAccessKeyLastUsed': {
        const { used } = named
        const date = used === undefined ? '' : `<LastUsedDate>${timeText(used.date)}</LastUsedDate>`
        const where = `<ServiceName>${used?.service ?? 'N/A'}</ServiceName><Region>${used === undefined ? 'N/A' : 'us-east-1'}</Region>`
        return `<UserName>${this.userName}</UserName><AccessKeyLastUsed>${date}${where}</AccessKeyLastUsed>`
      }
      default:
        throw new Faulted(400, 'InvalidAction')
    }
  }

  #putPolicy(of: string, form: URLSearchParams): string {
    this.policies.set(`${of}/${form.get('PolicyName')}`, form.get('PolicyDocument') ?? '')
    return ''
  }

  #create(): string {
    if (this.keys.size >= 2) throw new Faulted(409, 'LimitExceeded')
    const { accessKeyId, secretAccessKey } = this.addKey(this.now())
    const made = this.keys.get(accessKeyId)
    if (made === undefined) throw new Error('no key was made')
    made.unsettled = this.unsettledCalls
    this.given.push(secretAccessKey)
    const secret = `<SecretAccessKey>${secretAccessKey}</SecretAccessKey>`
    return `<AccessKey>${this.#member([accessKeyId, made])
      .replace(/<\/?member>/g, '')
      .replace('<CreateDate>', `${secret}<CreateDate>`)}</AccessKey>`
  }

  #member([id, { active, created }]: [string, IamKey]): string {
    const status = `<Status>${active ? 'Active' : 'Inactive'}</Status>`
    const date = `<CreateDate>${timeText(created)}</CreateDate>`
    return `<member><UserName>${this.userName}</UserName><AccessKeyId>${id}</AccessKeyId>${status}${date}</member>`
  }

  #sts({ action, form }: IamCall): string {
    if (action === 'GetCallerIdentity') {
      const arn = `arn:aws:iam::${account}:user/team/${this.userName}`
      return `<Arn>${arn}</Arn><UserId>AIDADEMODEMODEMODEMO</UserId><Account>${account}</Account>`
    }
    const code = form.get('TokenCode') ?? ''
    if (action !== 'GetSessionToken' || this.#codes.has(code) || code === '') throw new Refused('AccessDenied')
    this.#codes.add(code)
    const [id, token] = [
      `ASIA${throwAwayKey().accessKeyId.slice(4)}`,
      Buffer.from(throwAwayKey().secretAccessKey).toString('hex'),
    ]
    const { secretAccessKey } = throwAwayKey()
    this.#sessions.set(id, { secret: secretAccessKey, token })
    const ends = timeText(new Date(this.now().getTime() + Number(form.get('DurationSeconds')) * 1000))
    return `<Credentials><AccessKeyId>${id}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey><SessionToken>${token}</SessionToken><Expiration>${ends}</Expiration></Credentials>`
  }
}

/** A refusal with another status than 403. */
class Faulted extends Refused {
  readonly status: number
  readonly text: string
  constructor(status: number, code: string, text = `${code} by the test`) {
    super(code)
    this.status = status
    this.text = text
  }
}

function refusal(status: number, code: string, text = `${code} by the test`): Answer {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${text}</Message></Error>`
  return { status, body: `<ErrorResponse>${error}<RequestId>r-1</RequestId></ErrorResponse>` }
}

function timeText(time: Date): string {
  return `${time.toISOString().slice(0, 19)}Z`
}
