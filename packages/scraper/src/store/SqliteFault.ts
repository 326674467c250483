/** What the result codes of SQLite (https://sqlite.org/rescode.html) say of a store. */
import { dirname } from "node:path"
import { StoreDamaged, type StoreFault, StoreLocked, StoreUnusable } from "../RunError.ts"
import * as SystemError from "../sink/SystemError.ts"
import * as Refusal from "./Refusal.ts"

/** An error of `effect/sql`, with SQLite's own within. */
interface Told {
  readonly message: string
  readonly reason?: unknown
}

const causeOf = ({ reason }: Told) =>
  (reason as { readonly cause?: { readonly errcode?: number; readonly message?: string } } | undefined)?.cause

/** No room on the disk: for the database or its log, or for what the log's readers share. */
const full: ReadonlySet<number> = new Set([13, 4874])
const busy = 5
const failed = 10
/** PERM, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN: the file may be whole. */
const unusable: ReadonlySet<number> = new Set([3, 6, 7, 8, 10, 13, 14])

/** Whether a statement on `file` failed for want of room: on the disk, or in a quota. */
export const isFull =
  (file: string) =>
  (error: Told): boolean => {
    const { errcode = 0 } = causeOf(error) ?? {}
    return full.has(errcode) || ((errcode & 255) === failed && SystemError.isFull(Refusal.of(dirname(file)) ?? ""))
  }

/** What is wrong with the store in `file`, given what went wrong with it. */
export const of =
  (file: string) =>
  (error: Told): StoreFault => {
    const { errcode = 0, message: detail = error.message } = causeOf(error) ?? {}
    // extended codes have what they extend in their last byte
    const code = errcode & 255
    if (code === busy) return new StoreLocked({ file })
    if (!unusable.has(code)) return new StoreDamaged({ file, detail })
    const refusal = Refusal.of(dirname(file))
    return new StoreUnusable({ file, detail: refusal === undefined ? detail : `${detail} (${refusal})` })
  }
