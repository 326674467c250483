/** Which start of the machine this is: another one since a file was written means that unsynced data may be gone. */
import { readFileSync } from "node:fs"
import { uptime } from "node:os"

const bootIdFile = "/proc/sys/kernel/random/boot_id"

/** Linux says it; elsewhere the time of the start, to the minute, stands for it. */
export const bootId = (): string => {
  try {
    return readFileSync(bootIdFile, "utf8").trim()
  } catch {
    return `started ${Math.round((Date.now() / 1000 - uptime()) / 60)}`
  }
}
