// Many clients in a process of their own. In: JSON { port, token, count, sends } as argument; `sends` false leaves every request
// half sent. Out: a line "open" when all are connected and have written; when each is answered or closed, a line of JSON:
// how many answers of each status, how many closed without one, how many different credentials. A whole request whose head
// came later than the server waits for one, on a machine with much to do, is told so by 408 and is sent again.

import { connect } from 'node:net'

const { port, token, count, sends } = JSON.parse(process.argv[2])
const whole = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: ${token}\r\nConnection: close\r\n\r\n`
const text = sends ? whole : whole.slice(0, -2)
const statuses = {}
const credentials = new Set()
let written = 0
let closed = 0
for (let client = 0; client < count; client += 1) ask(true)

function ask(isFirst) {
  let answer = ''
  let without = 'none'
  const socket = connect({ port, host: '127.0.0.1' })
  socket.setEncoding('latin1')
  socket.on('connect', () =>
    socket.write(text, () => {
      written += isFirst ? 1 : 0
      if (isFirst && written === count) process.stdout.write('open\n')
    }),
  )
  socket.on('data', (piece) => {
    answer += piece
  })
  socket.on('error', ({ code }) => {
    without = code
  })
  socket.on('close', () => {
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? without
    if (sends && status === '408') return ask(false)
    statuses[status] = (statuses[status] ?? 0) + 1
    const id = /"AccessKeyId":"(\w+)"/.exec(answer)?.[1]
    if (id !== undefined) credentials.add(id)
    closed += 1
    if (closed === count) process.stdout.write(`${JSON.stringify({ statuses, credentials: credentials.size })}\n`)
  })
}
