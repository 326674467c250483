/**
 * The door to undici: the few parts a session is made of, imported by path. The
 * barrel takes twice the processor time at start (66 against 29 ms), for
 * `fetch`, WebSocket, caches and mocks that nobody here calls.
 *
 * The paths are not an interface undici promises, so its version is pinned, and
 * this file is the only one that names them. What they export is typed by the
 * barrel's declarations.
 */
import type * as undici from "undici"
// @ts-expect-error deep paths carry no declarations
import agent from "undici/lib/dispatcher/agent.js"
// @ts-expect-error deep paths carry no declarations
import client from "undici/lib/dispatcher/client.js"
// @ts-expect-error deep paths carry no declarations
import pool from "undici/lib/dispatcher/pool.js"
// @ts-expect-error deep paths carry no declarations
import connector from "undici/lib/core/connect.js"
// @ts-expect-error deep paths carry no declarations
import symbols from "undici/lib/core/symbols.js"

export const Agent: typeof undici.Agent = agent
export const Client: typeof undici.Client = client
export const Pool: typeof undici.Pool = pool
export const buildConnector: typeof undici.buildConnector = connector

/** Where an HTTP/1.1 socket of undici keeps its parser. */
export const parserOf: symbol = symbols.kParser

/** Where a client of undici keeps what it calls when a request of it began, ended or fell away, or its socket came or went. */
export const resumeOf: symbol = symbols.kResume

/** Where a client of undici keeps what it calls when its socket fails. */
export const onErrorOf: symbol = symbols.kOnError

/** Where a client of undici keeps how it speaks on its socket; `null` while it has none. */
export const contextOf: symbol = symbols.kHTTPContext

/** Where a client of undici keeps its requests, and from where in them those are that wait. */
export const queueOf: symbol = symbols.kQueue
export const pendingOf: symbol = symbols.kPendingIdx

/** Where a client of undici tells the number of its requests, sent or not. */
export const sizeOf: symbol = symbols.kSize

/** Where a client of undici keeps its HTTP/2 session. */
export const sessionOf: symbol = symbols.kHTTP2Session

export type { buildConnector as Connector, Dispatcher, Pool as PoolTypes } from "undici"
