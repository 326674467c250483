/** Reports what Node's test runner tells as lines of JSON: a test that ended, or an error after its end. */
interface Report {
  readonly type: string
  readonly data: {
    readonly message?: string
    readonly skip?: unknown
    readonly details?: {
      readonly type?: string
      readonly error?: { readonly cause?: unknown; readonly message?: string }
    }
  }
}

export interface Line {
  readonly passed: boolean
  readonly skipped: boolean
  readonly why: string
}

export default async function* (source: AsyncIterable<Report>): AsyncGenerator<string> {
  for await (const { type, data } of source) {
    let line: Line | undefined
    if ((type === "test:pass" || type === "test:fail") && data.details?.type !== "suite") {
      const { cause, message = "" } = data.details?.error ?? {}
      const why = cause instanceof Error ? cause.message : message
      line = { passed: type === "test:pass", skipped: data.skip !== undefined, why }
    } else if (type === "test:diagnostic" && /activity after the test ended/.test(data.message!))
      line = { passed: false, skipped: false, why: data.message! }
    if (line !== undefined) yield `${JSON.stringify(line)}\n`
  }
}
