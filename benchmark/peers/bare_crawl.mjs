// the least that a crawl costs in Node: node bare_crawl.mjs SEED OUT JOBS
// Good for the generated site alone: one host, links as they stand there, answers with a length, nothing that fails.
import { hash } from "node:crypto"
import { closeSync, mkdirSync, openSync, renameSync, writeSync } from "node:fs"
import { connect } from "node:net"
import { dirname } from "node:path"

const [seed, out, jobs] = process.argv.slice(2)
const { host, hostname, pathname, port } = new URL(seed)
const pages = [pathname]
const known = new Set(pages)
const folders = new Set()
const connections = []
let asked = 0
let answered = 0

const save = (path, body) => {
  const file = out + path
  const folder = dirname(file)
  if (!folders.has(folder)) {
    mkdirSync(folder, { recursive: true })
    folders.add(folder)
  }
  const part = openSync(`${file}.part`, "wx")
  writeSync(part, body)
  closeSync(part)
  renameSync(`${file}.part`, file)
  return hash("sha256", body, "hex")
}

const follow = (body) => {
  for (const [, path] of body.latin1Slice().matchAll(/<a [^>]*href="([^"]*)"/g)) {
    if (known.has(path)) continue
    known.add(path)
    pages.push(path)
  }
}

const ask = (connection) => {
  connection.path = pages[asked++]
  connection.socket.write(`GET ${connection.path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, "latin1")
}

const read = (connection, bytes) => {
  if (connection.path === undefined) return
  if (connection.length === undefined) {
    const end = bytes.indexOf("\r\n\r\n")
    connection.length = Number(/content-length: (\d+)/i.exec(bytes.latin1Slice(0, end))[1])
    bytes = bytes.subarray(end + 4)
  }
  connection.parts.push(bytes)
  connection.length -= bytes.length
  if (connection.length > 0) return
  const body = Buffer.concat(connection.parts)
  save(connection.path, body)
  follow(body)
  Object.assign(connection, { path: undefined, length: undefined, parts: [] })
  answered++
  for (const idle of connections) if (idle.path === undefined && asked < pages.length) ask(idle)
  while (connections.length < Number(jobs) && asked < pages.length) open()
  if (answered === pages.length) for (const { socket } of connections) socket.destroy()
}

const open = () => {
  const connection = { path: undefined, length: undefined, parts: [] }
  const buffer = Buffer.allocUnsafe(65_536)
  const callback = (length) => {
    // what is kept of it must outlive the next read
    read(connection, Buffer.from(buffer.subarray(0, length)))
    return true
  }
  connection.socket = connect({ host: hostname, port, noDelay: true, onread: { buffer, callback } })
  connections.push(connection)
  ask(connection)
}
open()
