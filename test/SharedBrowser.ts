/** One browser for all tests of a file or a group. Where none can be started each is skipped, and says why. */
import { afterAll, beforeAll, beforeEach } from "@effect/vitest"
import type { Page } from "playwright-core"
import { type Browser, launch } from "./Browser.ts"

/** Called beside the tests; what it gives opens a page within one. */
export const sharedBrowser = (): (() => Promise<Page>) => {
  let browser: Browser | string = "not started"
  beforeAll(async () => {
    browser = await launch()
  })
  beforeEach((context) => {
    if (typeof browser === "string") context.skip(browser)
  })
  afterAll(async () => {
    if (typeof browser !== "string") await browser.close()
  })
  return () => (browser as Browser).context.newPage()
}
