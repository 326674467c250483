/**
 * The other side of ErrorCodec's tests, as a thread and as a process: sends back what comes, and first the text of
 * `encodeError` as Node sees it.
 */
import { parentPort } from "node:worker_threads"
import { encodeError } from "../../src/executor/ErrorCodec.ts"

const send = (message: unknown) => (parentPort === null ? process.send!(message) : parentPort.postMessage(message, []))
;(parentPort ?? process).on("message", send)
send(String(encodeError))
