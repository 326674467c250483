/** Archives as text. */

/** A response record of `http://h/` and a name; `fields` each with its line break. */
export const record = (name: string, body: string, fields = ""): string => {
  const block = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n${body}`
  const head = `WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: http://h/${name}\r\n${fields}`
  return `${head}Content-Length: ${block.length}\r\n\r\n${block}\r\n\r\n`
}

/** A revisit record of `http://h/` and a name, for the payload of this digest; `head`: of its answer. */
export const revisit = (
  name: string,
  digest: string,
  head = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
): string =>
  `WARC/1.1\r\nWARC-Type: revisit\r\nWARC-Target-URI: http://h/${name}\r\nWARC-Payload-Digest: ${digest}\r\n` +
  `WARC-Refers-To-Date: 2026-01-02T03:04:05Z\r\nContent-Length: ${head.length}\r\n\r\n${head}\r\n\r\n`
