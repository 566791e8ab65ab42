// Opens a link that is a secret in the browser. In: the link. Out: nothing, once the browser has it.
// 1. The words of a program can be read by every user of the machine, so the browser is given an address on 127.0.0.1, of
//    256 random bits, which answers once, with a redirect to the link.
// 2. On Linux it answers a program of this user alone: whoever was quicker in reading the words gets nothing.

import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PeerOwners } from '../../endpoint/peer-owner.ts'
import { HardkeyError } from '../../errors.ts'
import { thisUser } from '../../files/ownership.ts'
import type { CommandContext } from '../command.ts'

/** A browser that is not running yet takes long on a slow machine. */
const openMilliseconds = 60_000

/** @throws ERR_BACKEND_UNSUPPORTED where no browser can be opened; ERR_TIMEOUT where it does not ask within a minute */
export async function openOnce(
  { environment, report, signal }: Pick<CommandContext, 'environment' | 'report' | 'signal'>,
  link: string,
): Promise<void> {
  const path = `/${randomBytes(32).toString('base64url')}`
  const server = createServer()
  const timeout = AbortSignal.timeout(openMilliseconds)
  const ends = AbortSignal.any([signal, timeout])
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(0, '127.0.0.1', resolve)
    })
    // A server that listens on a port has an address of this kind.
    const { port } = server.address() as AddressInfo
    const opening = openBrowser(`http://127.0.0.1:${port}${path}`, environment.forPrograms, ends)
    const asked = handOver(server, path, link, ends, () =>
      report.warning('another user of this machine asked for the link, and did not get it'),
    )
    // The opener may end long before the browser asks, and long after it.
    await Promise.race([asked, opening.then(() => asked)])
  } catch (error) {
    if (timeout.aborted && !signal.aborted) throw notOpened('ERR_TIMEOUT', 'the browser did not ask for the link')
    throw error
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

/** Ends when this user has asked and the redirect is on its way. */
function handOver(server: Server, path: string, link: string, signal: AbortSignal, onOther: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    let isGiven = false
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const isAsked = request.method === 'GET' && request.url === path
      const isOurs = isAsked && (await isOfThisUser(request))
      if (isAsked && !isOurs) onOther()
      if (!isOurs || isGiven) {
        response.writeHead(404, { connection: 'close' }).end()
        return
      }
      isGiven = true
      const headers = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', connection: 'close' }
      response.once('close', resolve)
      response.writeHead(303, { location: link, ...headers }).end()
    }
    server.on('request', (request, response) => {
      answer(request, response).catch(reject)
    })
  })
}

async function isOfThisUser({ socket }: IncomingMessage): Promise<boolean> {
  if (process.platform !== 'linux') return true
  const { localAddress, localPort, remoteAddress, remotePort } = socket
  if (!localAddress || !localPort || !remoteAddress || !remotePort) return false
  const owner = await new PeerOwners().of({ localAddress, localPort, remoteAddress, remotePort })
  return owner !== undefined && owner.uid === thisUser()
}

function openBrowser(url: string, environment: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void> {
  const [program, words] = opener()
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...words, url], { env: { ...environment }, stdio: 'ignore', signal })
    child.once('error', () => reject(signal.aborted ? signal.reason : cannotOpen(program)))
    child.once('exit', (status) => (status === 0 ? resolve() : reject(cannotOpen(program))))
  })
}

function opener(): readonly [program: string, words: readonly string[]] {
  switch (process.platform) {
    case 'darwin':
      return ['/usr/bin/open', []]
    case 'win32':
      // What `start` does, without the shell that it is a part of.
      return ['rundll32', ['url.dll,FileProtocolHandler']]
    default:
      return ['xdg-open', []]
  }
}

function cannotOpen(program: string): HardkeyError {
  return notOpened('ERR_BACKEND_UNSUPPORTED', `no browser can be opened by ${program}`)
}

function notOpened(code: 'ERR_BACKEND_UNSUPPORTED' | 'ERR_TIMEOUT', message: string): HardkeyError {
  return new HardkeyError(code, message, { hint: 'give --print, and open the link yourself' })
}
