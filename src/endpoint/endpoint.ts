// The local credential endpoint. In: a source of sessions, a place, and how callers prove themselves. Out: a server that gives
// good credentials from memory, and nothing to anyone else. Begin here; the guard of every request is request-guard.ts, the
// two ways to give are container-service.ts and metadata-service.ts.
// 1. The first session is there before it listens, so that a client with a second of patience gets its answer (F-E01).
// 2. On Linux a caller must be this user or root, whatever token it has: the kernel tells whose its socket is (T-1).

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { SessionSource } from '../credentials/session-source.ts'
import { HardkeyError } from '../errors.ts'
import { systemCode } from '../files/file-failure.ts'
import { thisUser } from '../files/ownership.ts'
import { type Act, type Answer, type Awaitable, failure, refusal, type Service } from './answer.ts'
import type { CallerToken, RandomBytes } from './caller-token.ts'
import { containerService } from './container-service.ts'
import { Figures } from './figures.ts'
import { closeServer, connectionsThatFit, httpServer } from './http-server.ts'
import { credentialsName, metadataService } from './metadata-service.ts'
import { MetadataTokens } from './metadata-token.ts'
import { type PeerOwner, PeerOwners } from './peer-owner.ts'
import { type Listening, leave, listenAt, type Place } from './place.ts'
import { refuseRequest } from './request-guard.ts'
import { Sessions } from './sessions.ts'

/** One of the two ways to give; a path of the other is not there. */
export type EndpointMode =
  | { readonly token: CallerToken }
  /** The instance metadata service, which tells this region. */
  | { readonly metadata: { readonly region: string | undefined } }

/** Credentials that went to a caller. */
export interface HandedOut {
  readonly accessKeyId: string
  readonly roleArn: string | undefined
  /** Of the caller on 127.0.0.1; undefined for a Unix socket. */
  readonly remotePort: number | undefined
  /** Where the kernel tells it. */
  readonly owner: PeerOwner | undefined
}

export interface EndpointOptions {
  /** Stays the caller's, who closes it. */
  readonly source: SessionSource
  /** Roles that may be asked for besides that of the source. */
  readonly otherRoles?: readonly string[] | undefined
  readonly place: Place
  readonly mode: EndpointMode
  readonly random: RandomBytes
  readonly now: () => Date
  /** Connections at once. Default: 10,000, or what the limit of descriptors lets through. */
  readonly connections?: number | undefined
  /** Answer every user of this machine who has the token. */
  readonly anyUser?: boolean | undefined
  readonly onHandedOut?: ((handed: HandedOut) => void) | undefined
  /** Told when no good session can be had, once until one can. */
  readonly onFailed?: ((error: unknown) => void) | undefined
}

export interface Endpoint {
  readonly at: Listening
  /** False where the kernel does not tell who is at the other end: a Unix socket, and no /proc. */
  readonly knowsOwners: boolean
  /** Answers what is under way for a moment, then closes every connection. May be called again. */
  close(): Promise<void>
}

/** Fetches the first sessions, then listens. @throws what the source throws; ERR_CONFIG_INVALID for the place */
export async function startEndpoint(options: EndpointOptions): Promise<Endpoint> {
  const { source, otherRoles = [], place, now, random } = options
  const sessions = new Sessions({
    source,
    otherRoles,
    now,
    random: () => (random(1)[0] ?? 0) / 256,
    onFailed: options.onFailed ?? (() => undefined),
  })
  const figures = new Figures(() => sessions.figures())
  const callers = new Callers(options)
  const service = serviceOf(options, sessions, figures)
  const server = httpServer({
    respond: (request) => callers.respond(request, service),
    connections: options.connections ?? (await connectionsThatFit()),
    onAnswered: (status) => figures.answered(status),
  })
  await sessions.start()
  let at: Listening | undefined
  const close = async (): Promise<void> => {
    sessions.stop()
    const left = at
    at = undefined
    if (left === undefined) return
    await closeServer(server)
    await leave(left)
  }
  try {
    at = await listenAt(server, place)
    if (isMetadata(options) && 'socket' in at) throw notAtSocket()
    const knowsOwners = await callers.begin(at)
    if (mustKnowOwner(options) && !knowsOwners) throw openToAll()
    return { at, knowsOwners, close }
  } catch (error) {
    await close()
    throw error
  }
}

const isMetadata = ({ mode }: EndpointOptions): boolean => 'metadata' in mode

/** The tokens of the metadata service are for everyone who asks. */
const mustKnowOwner = (options: EndpointOptions): boolean => isMetadata(options) && options.anyUser !== true

function notAtSocket(): HardkeyError {
  return new HardkeyError('ERR_CONFIG_INVALID', 'the instance metadata service is at a port, not at a Unix socket', {
    hint: 'its tokens are for everyone who asks; only the owner of a connection to a port can be known',
  })
}

function openToAll(): HardkeyError {
  const message =
    'this system does not tell whose a connection is, and the instance metadata service has no other guard'
  return new HardkeyError('ERR_CONFIG_INVALID', message, {
    hint: 'without --imds a token keeps other users out; --any-user gives credentials to every user of this machine',
  })
}

function serviceOf({ mode, source, random, now }: EndpointOptions, sessions: Sessions, figures: Figures): Service {
  if ('token' in mode) return containerService(sessions, mode.token, figures)
  const place = { region: mode.metadata.region, name: credentialsName(source.roleArn) }
  return metadataService(sessions, new MetadataTokens(random, now), place, figures)
}

/** Who may have an answer. */
class Callers {
  readonly #options: EndpointOptions
  readonly #owners = new PeerOwners()
  readonly #user = thisUser()
  /** One look for each connection; `nobody` where its far end is closed already. */
  readonly #known = new WeakMap<Socket, PeerOwner | 'nobody'>()
  #knowsOwners: boolean | Promise<boolean> = false
  #isOurHost = (_: string): boolean => false

  constructor(options: EndpointOptions) {
    this.#options = options
  }

  /** True where the kernel tells whose a connection is: tried on one of our own. */
  async begin(at: Listening): Promise<boolean> {
    if (!('port' in at)) {
      // Whoever relays to a socket has a port of its own.
      this.#isOurHost = (host) => /^127\.0\.0\.1(?::[0-9]{1,5})?$/.test(host)
      return false
    }
    const hosts = [`127.0.0.1:${at.port}`, ...(at.port === 80 ? ['127.0.0.1'] : [])]
    this.#isOurHost = (host) => hosts.includes(host)
    // Whoever comes before this is known waits for it.
    this.#knowsOwners = this.#knowsOwnConnection(at.port)
    this.#knowsOwners = await this.#knowsOwners
    return this.#knowsOwners
  }

  respond({ method = '', url = '', rawHeaders, socket }: IncomingMessage, service: Service): Awaitable<Answer> {
    const head = { method, target: url, rawHeaders }
    const reply = refuseRequest(head, this.#isOurHost) ?? service(head)
    if (typeof reply !== 'function') return reply
    if (this.#knowsOwners === false && !mustKnowOwner(this.#options)) return this.#act(reply, socket, undefined)
    const known = this.#known.get(socket)
    return known === undefined ? this.#actForStranger(reply, socket) : this.#actFor(known, reply, socket)
  }

  async #actForStranger(act: Act, socket: Socket): Promise<Answer> {
    // Too many files were open, say: the token alone decides, and the metadata service does not start.
    if (!(await this.#knowsOwners)) {
      return mustKnowOwner(this.#options) ? anotherUser() : await this.#act(act, socket, undefined)
    }
    const known = (await this.#owners.of(endsOf(socket))) ?? 'nobody'
    this.#known.set(socket, known)
    return await this.#actFor(known, act, socket)
  }

  #actFor(known: PeerOwner | 'nobody', act: Act, socket: Socket): Awaitable<Answer> {
    const owner = known === 'nobody' ? undefined : known
    const isAllowed = this.#options.anyUser === true || owner?.uid === this.#user || owner?.uid === 0
    if (isAllowed) return this.#act(act, socket, owner)
    return anotherUser()
  }

  #act(act: Act, { remotePort }: Socket, owner: PeerOwner | undefined): Awaitable<Answer> {
    const told = (answer: Answer): Answer => {
      if (answer.session === undefined) return answer
      const { credentials, roleArn } = answer.session
      this.#options.onHandedOut?.({ accessKeyId: credentials.accessKeyId, roleArn, remotePort, owner })
      return answer
    }
    const answer = act()
    return answer instanceof Promise ? answer.then(told, failure) : told(answer)
  }

  async #knowsOwnConnection(port: number): Promise<boolean> {
    const socket = connect({ port, host: '127.0.0.1' })
    try {
      await once(socket, 'connect')
      const { localAddress, localPort, remoteAddress, remotePort } = endsOf(socket)
      // As the other end has it.
      const ends = {
        localAddress: remoteAddress,
        localPort: remotePort,
        remoteAddress: localAddress,
        remotePort: localPort,
      }
      return (await this.#owners.of(ends))?.uid === this.#user
    } catch (error) {
      // Too many files are open, say.
      if (systemCode(error) === undefined) throw error
      return false
    } finally {
      socket.destroy()
    }
  }
}

function anotherUser(): Answer {
  return refusal(403, 'AnotherUser', 'this endpoint answers the user who started it, and root')
}

function endsOf(socket: Socket): Parameters<PeerOwners['of']>[0] {
  const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket
  return { localAddress, localPort, remoteAddress, remotePort }
}
