/** What a workload came to. */
export interface Report {
  readonly title: string
  /** Markdown: a table, and what must be said about it. */
  readonly lines: ReadonlyArray<string>
  /** Whether a run failed, or lost or damaged a file. */
  readonly lost: boolean
  /** Every run, for `--json`. */
  readonly data: ReadonlyArray<Readonly<Record<string, unknown>>>
}
