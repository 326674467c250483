/** Archives as text. */

/** A response record of `http://h/` and a name; `fields` each with its line break. */
export const record = (name: string, body: string, fields = ""): string => {
  const block = `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n${body}`
  const head = `WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: http://h/${name}\r\n${fields}`
  return `${head}Content-Length: ${block.length}\r\n\r\n${block}\r\n\r\n`
}
