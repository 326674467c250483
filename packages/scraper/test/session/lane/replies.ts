/** Replies as they stand on the wire, for the tests of the lane. */

export const bytesOf = (text: string) => Buffer.from(text, "latin1")

const ok = "HTTP/1.1 200 OK\r\n"
const two = "Content-Length: 2\r\n\r\nhi"
const chunked = `${ok}Transfer-Encoding: chunked\r\n\r\n`

/** Replies that mean `hi`, each by a rule of RFC 9112. */
export const sound: Readonly<Record<string, string>> = {
  "a length": ok + two,
  "no reason phrase and no space": `HTTP/1.1 200\r\n${two}`,
  "an empty reason phrase": `HTTP/1.1 200 \r\n${two}`,
  "bytes beyond ASCII in phrase and value": `HTTP/1.1 200 d\xe9j\xe0\r\nA: \xe9\r\n${two}`,
  "blank lines before the status line": `\r\n\r\n${ok}${two}`,
  "blanks around a value": `${ok}A: \t b c \t\r\nContent-Length:\t 2 \t\r\n\r\nhi`,
  "an empty value": `${ok}A:\r\nB: \r\n${two}`,
  "a folded value": `${ok}A: b\r\n c\r\n\td\r\n${two}`,
  "a length on a line of its own": `${ok}Content-Length:\r\n 2\r\n\r\nhi`,
  "a coding on a line of its own": `${ok}Transfer-Encoding:\r\n \t\r\n chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
  "equal lengths in two lines": `${ok}Content-Length: 2\r\n${two}`,
  "equal lengths in one line": `${ok}Content-Length: 2 , 2\r\n\r\nhi`,
  "a length with zeros before it": `${ok}Content-Length: 0002\r\n\r\nhi`,
  chunks: `${chunked}1\r\nh\r\n1\r\ni\r\n0\r\n\r\n`,
  "the coding in other letters": `${ok}TRANSFER-encoding: ChunKed \r\n\r\n2\r\nhi\r\n0\r\n\r\n`,
  "chunk extensions": `${chunked}2;a=b;c="d e\t\xe9"\r\nhi\r\n0;x\r\n\r\n`,
  "a blank before an extension": `${chunked}2; \ta\r\nhi\r\n0\r\n\r\n`,
  "zeros before a chunk size": `${chunked}${"0".repeat(40)}2\r\nhi\r\n000\r\n\r\n`,
  trailers: `${chunked}2\r\nhi\r\n0\r\nX: y\r\nExpires: \r\n\r\n`,
  "interim responses": `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\nContent-Length: 9\r\n\r\n${ok}${two}`,
  "an interim response that claims chunks": `HTTP/1.1 102 P\r\nTransfer-Encoding: chunked\r\n\r\n${ok}${two}`,
  "an upgrade offered beside an answer": `${ok}Upgrade: h2c\r\nConnection: upgrade\r\n${two}`,
  "names of an object's own": `${ok}__proto__: a\r\nConstructor: b\r\n${two}`
}

/** Replies to refuse, by their fault: the code, and the bytes up to the one that gives it away. */
export const broken: Readonly<Record<string, readonly [code: string, reply: string, rest?: string]>> = {
  "no HTTP": ["HPE_INVALID_VERSION", "S", "SH-2.0-OpenSSH_9.9\r\n"],
  "HTTP/0.9": ["HPE_INVALID_VERSION", "-", "foo swsclose\n"],
  "version 0.9 in a status line": ["HPE_INVALID_VERSION", "HTTP/0", ".9 200 OK\r\n"],
  "version 1.2": ["HPE_INVALID_VERSION", "HTTP/1.2", " 200 OK\r\n"],
  "version 2.0": ["HPE_INVALID_VERSION", "HTTP/2", ".0 200 OK\r\n"],
  "a version without a minor one": ["HPE_INVALID_VERSION", "HTTP/1 ", "200 OK\r\n"],
  "small letters": ["HPE_INVALID_VERSION", "h", "ttp/1.1 200 OK\r\n"],
  "a space before the status line": ["HPE_INVALID_VERSION", " ", "HTTP/1.1 200 OK\r\n"],
  "a bare line feed before the status line": ["HPE_INVALID_VERSION", "\n", ok + two],
  "a bare return before the status line": ["HPE_INVALID_CONSTANT", "\rH", "TTP/1.1 200 OK\r\n"],
  "two spaces before the status": ["HPE_INVALID_STATUS", "HTTP/1.1  ", "200 OK\r\n"],
  "two digits of status": ["HPE_INVALID_STATUS", "HTTP/1.1 20 ", "OK\r\n"],
  "four digits of status": ["HPE_INVALID_STATUS", "HTTP/1.1 2000", " OK\r\n"],
  "a hundred digits of status": ["HPE_INVALID_STATUS", "HTTP/1.1 2344", "5".repeat(96)],
  "status 099": ["HPE_INVALID_STATUS", "HTTP/1.1 0", "99 OK\r\n"],
  "a negative status": ["HPE_INVALID_STATUS", "HTTP/1.1 -", "200 OK\r\n"],
  "a phrase without its space": ["HPE_INVALID_STATUS", "HTTP/1.1 200O", "K\r\n"],
  "a zero byte in the phrase": ["HPE_INVALID_STATUS", "HTTP/1.1 200 O\0", "K\r\n"],
  "a bare return in the phrase": ["HPE_LF_EXPECTED", "HTTP/1.1 200 O\rK", "\r\n"],
  "a status line that ends with a line feed": ["HPE_INVALID_STATUS", "HTTP/1.1 200 OK\n", two],
  "a field that ends with a line feed": ["HPE_INVALID_HEADER_TOKEN", `${ok}A: b\n`, two],
  "a head that ends with a line feed": ["HPE_INVALID_HEADER_TOKEN", `${ok}A: b\r\n\n`, "hi"],
  "a head that ends with a bare return": ["HPE_LF_EXPECTED", `${ok}A: b\r\n\rh`, "i"],
  "a bare return in a value": ["HPE_LF_EXPECTED", `${ok}A: b\rc`, "\r\n\r\n"],
  "a zero byte in a value": ["HPE_INVALID_HEADER_TOKEN", `${ok}A: b\0`, "c\r\n\r\n"],
  "a control byte in a value": ["HPE_INVALID_HEADER_TOKEN", `${ok}A: b\x1b`, "[2J\r\n\r\n"],
  "a delete byte in a value": ["HPE_INVALID_HEADER_TOKEN", `${ok}A: b\x7f`, "\r\n\r\n"],
  "a space before the colon": ["HPE_INVALID_HEADER_TOKEN", `${ok}A `, ": b\r\n\r\n"],
  "a blank before the first field": ["HPE_INVALID_HEADER_TOKEN", `${ok} `, "A: b\r\n\r\n"],
  "a field without a name": ["HPE_INVALID_HEADER_TOKEN", `${ok}:`, " b\r\n\r\n"],
  "a field without a colon": ["HPE_INVALID_HEADER_TOKEN", `${ok}Abc\r`, "\n\r\n"],
  "a bracket in a name": ["HPE_INVALID_HEADER_TOKEN", `${ok}A(`, "b: c\r\n\r\n"],
  "a byte beyond ASCII in a name": ["HPE_INVALID_HEADER_TOKEN", `${ok}A\xe9`, ": c\r\n\r\n"],
  "unequal lengths in two lines": [
    "HPE_UNEXPECTED_CONTENT_LENGTH",
    `${ok}Content-Length: 3\r\nContent-Length: 2\r\n\r\n`
  ],
  "unequal lengths in one line": ["HPE_UNEXPECTED_CONTENT_LENGTH", `${ok}Content-Length: 2, 3\r\n\r\n`],
  "equal lengths in unequal digits": ["HPE_UNEXPECTED_CONTENT_LENGTH", `${ok}Content-Length: 2, 02\r\n\r\n`],
  "a list of lengths with a hole": ["HPE_UNEXPECTED_CONTENT_LENGTH", `${ok}Content-Length: 2,\r\n\r\n`],
  "a length with a plus": ["HPE_INVALID_CONTENT_LENGTH", `${ok}Content-Length: +2\r\n\r\n`],
  "a negative length": ["HPE_INVALID_CONTENT_LENGTH", `${ok}Content-Length: -2\r\n\r\n`],
  "an empty length": ["HPE_INVALID_CONTENT_LENGTH", `${ok}Content-Length: \r\n\r\n`],
  "a hexadecimal length": ["HPE_INVALID_CONTENT_LENGTH", `${ok}Content-Length: 0x2\r\n\r\n`],
  "a length of two words": ["HPE_INVALID_CONTENT_LENGTH", `${ok}Content-Length: 2 2\r\n\r\n`],
  "letters behind a length": ["HPE_INVALID_CONTENT_LENGTH", `${ok}Content-Length: 2ab\r\n\r\n`],
  "a fraction of a length": ["HPE_INVALID_CONTENT_LENGTH", `${ok}Content-Length: 2.0\r\n\r\n`],
  "an exponent in a length": ["HPE_INVALID_CONTENT_LENGTH", `${ok}Content-Length: 2e0\r\n\r\n`],
  "a length beyond counting": ["HPE_INVALID_CONTENT_LENGTH", `${ok}Content-Length: 9007199254740993\r\n\r\n`],
  "a length beyond 64 bits": ["HPE_INVALID_CONTENT_LENGTH", `${ok}Content-Length: 18446744073709551618\r\n\r\n`],
  "a length and chunks": [
    "HPE_UNEXPECTED_CONTENT_LENGTH",
    `${ok}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n`
  ],
  "chunks and a length": [
    "HPE_UNEXPECTED_CONTENT_LENGTH",
    `${ok}Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n`
  ],
  "a second coding": ["HPE_INVALID_TRANSFER_ENCODING", `${ok}Transfer-Encoding: gzip, chunked\r\n\r\n`],
  "a coding after chunks": ["HPE_INVALID_TRANSFER_ENCODING", `${ok}Transfer-Encoding: chunked, gzip\r\n\r\n`],
  "codings in two lines": [
    "HPE_INVALID_TRANSFER_ENCODING",
    `${ok}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`
  ],
  "a coding like chunks": ["HPE_INVALID_TRANSFER_ENCODING", `${ok}Transfer-Encoding: xchunked\r\n\r\n`],
  "chunks with a parameter": ["HPE_INVALID_TRANSFER_ENCODING", `${ok}Transfer-Encoding: chunked;a=b\r\n\r\n`],
  "chunks by a control byte": ["HPE_INVALID_HEADER_TOKEN", `${ok}Transfer-Encoding: \x0b`, "chunked\r\n\r\n"],
  "no coding at all": ["HPE_INVALID_TRANSFER_ENCODING", `${ok}Transfer-Encoding:\r\n\r\n`],
  identity: ["HPE_INVALID_TRANSFER_ENCODING", `${ok}Transfer-Encoding: identity\r\n\r\n`],
  "an upgrade nobody asked for": [
    "HPE_UNEXPECTED_UPGRADE",
    "HTTP/1.1 101 S\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
  ],
  "a chunk size with a space": ["HPE_INVALID_CHUNK_SIZE", `${chunked}2 `, "\r\nhi\r\n0\r\n\r\n"],
  "a space before a chunk size": ["HPE_INVALID_CHUNK_SIZE", `${chunked} `, "2\r\nhi\r\n0\r\n\r\n"],
  "a chunk size that ends with a line feed": ["HPE_INVALID_CHUNK_SIZE", `${chunked}2\n`, "hi\r\n0\r\n\r\n"],
  "a chunk size that ends with a bare return": ["HPE_LF_EXPECTED", `${chunked}2\rh`, "i\r\n0\r\n\r\n"],
  "an extension that ends with a line feed": ["HPE_STRICT", `${chunked}2;a\n`, "hi\r\n0\r\n\r\n"],
  "an extension without a name": ["HPE_STRICT", `${chunked}2;\r`, "\nhi\r\n0\r\n\r\n"],
  "a zero byte in an extension": ["HPE_STRICT", `${chunked}2;a\0`, "\r\nhi\r\n0\r\n\r\n"],
  "a chunk size with a prefix": ["HPE_INVALID_CHUNK_SIZE", `${chunked}0x`, "2\r\nhi\r\n0\r\n\r\n"],
  "a negative chunk size": ["HPE_INVALID_CHUNK_SIZE", `${chunked}-`, "2\r\nhi\r\n0\r\n\r\n"],
  "no chunk size": ["HPE_INVALID_CHUNK_SIZE", `${chunked}\r`, "\nhi\r\n0\r\n\r\n"],
  "an extension without a chunk size": ["HPE_INVALID_CHUNK_SIZE", `${chunked};`, "a\r\n\r\n"],
  "a chunk size beyond 64 bits": ["HPE_INVALID_CHUNK_SIZE", `${chunked}100000000000000`, "002\r\nhi\r\n0\r\n\r\n"],
  "an endless chunk size": ["HPE_CHUNK_EXTENSIONS_OVERFLOW", chunked + "0".repeat(4097)],
  "an endless extension": ["HPE_CHUNK_EXTENSIONS_OVERFLOW", `${chunked}2;${"x".repeat(4096)}`],
  "a chunk longer than its size": ["HPE_STRICT", `${chunked}2\r\nhix`, "\r\n0\r\n\r\n"],
  "a chunk that ends with a line feed": ["HPE_STRICT", `${chunked}2\r\nhi\n`, "0\r\n\r\n"],
  "a chunk that ends with a bare return": ["HPE_LF_EXPECTED", `${chunked}2\r\nhi\r0`, "\r\n\r\n"],
  "a last chunk that ends with a line feed": ["HPE_INVALID_HEADER_TOKEN", `${chunked}2\r\nhi\r\n0\r\n\n`],
  "a zero byte in a trailer": ["HPE_INVALID_HEADER_TOKEN", `${chunked}2\r\nhi\r\n0\r\nX: \0`, "y\r\n\r\n"],
  "a folded trailer": ["HPE_INVALID_HEADER_TOKEN", `${chunked}2\r\nhi\r\n0\r\nX: y\r\n `, "z\r\n\r\n"],
  "a trailer without a name": ["HPE_INVALID_HEADER_TOKEN", `${chunked}2\r\nhi\r\n0\r\n:`, " y\r\n\r\n"],
  "a head of more than 64 KiB": ["UND_ERR_HEADERS_OVERFLOW", `${ok}A: ${"x".repeat(65_536 - ok.length - 3)}`],
  "trailers of more than 64 KiB": ["UND_ERR_HEADERS_OVERFLOW", `${chunked}0\r\nA: ${"x".repeat(65_533)}`]
}
