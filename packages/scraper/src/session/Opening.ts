/**
 * How a connection comes to be, as it happens: its name is resolved, it is
 * connected, TLS is agreed. Kept with the connection until the first request on
 * it, or the one that waited for it in vain, has told its receiver.
 */
import * as net from "node:net"
import type { OpeningMark } from "../Session.ts"

export class Opening {
  readonly marks: Array<OpeningMark> = []

  /** Begins now. A host that is an address needs no name. */
  constructor(hostname: string) {
    this.turn(net.isIP(hostname) === 0 ? "dns" : "connect")
  }

  turn(phase: OpeningMark["phase"]): void {
    if (this.marks.at(-1)?.phase !== phase) this.marks.push({ phase, atMs: performance.now() })
  }
}
