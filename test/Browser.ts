/**
 * A headless Chromium for tests: the one that `CHROME` names, an installed one,
 * or the one that comes from npm (Linux only). The latter brings the libraries
 * that a bare machine lacks (NSS and Expat, built for Amazon Linux 2023); they
 * are used where the system has none.
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { type BrowserContext, chromium as playwright } from "playwright-core"

export interface Browser {
  readonly context: BrowserContext
  readonly close: () => Promise<void>
}

const installed = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]

/** Unpacked once to a fixed place below the temporary directory; takes some seconds then. */
const unpacked = async () => {
  const { default: chromium } = await import("@sparticuz/chromium")
  return { executablePath: await chromium.executablePath() }
}

const unpackedWithLibraries = async () => {
  const { inflate } = await import("@sparticuz/chromium")
  const libraries = await inflate(
    fileURLToPath(new URL("../bin/al2023.tar.br", import.meta.resolve("@sparticuz/chromium")))
  )
  return { ...(await unpacked()), env: { ...process.env, LD_LIBRARY_PATH: join(libraries, "lib") } }
}

interface Candidate {
  readonly executablePath: string
  readonly env?: Record<string, string | undefined>
}

/** Starts one, or says why none could be started: each that was tried, with its error. */
export const launch = async (): Promise<Browser | string> => {
  const named = process.env["CHROME"]
  const candidates: ReadonlyArray<() => Promise<Candidate> | Candidate> =
    named !== undefined
      ? [() => ({ executablePath: named })]
      : [
          ...installed.filter((path) => existsSync(path)).map((executablePath) => () => ({ executablePath })),
          ...(process.platform === "linux" ? [unpacked, unpackedWithLibraries] : [])
        ]
  const faults: Array<string> = []
  for (const candidate of candidates) {
    const profile = mkdtempSync(join(tmpdir(), "simul-chromium-"))
    try {
      const context = await playwright.launchPersistentContext(profile, {
        ...(await candidate()),
        headless: true,
        viewport: { width: 1200, height: 900 },
        args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
        // what hangs the test's own bound ends: a busy machine is given its time, and is not taken for one without a browser
        timeout: 0
      })
      context.setDefaultTimeout(0)
      const close = async () => {
        await context.close()
        rmSync(profile, { recursive: true, force: true })
      }
      return { context, close }
    } catch (error) {
      rmSync(profile, { recursive: true, force: true })
      faults.push(String(error).split("\n").slice(0, 12).join("\n"))
    }
  }
  return `no browser could be started: set CHROME to the path of a Chromium\n${faults.join("\n")}`
}
