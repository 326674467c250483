/** What of a peer's tests we decide otherwise, and why. */
export interface Differences {
  /** Files that test something else than a pool, by their name, and what that is. */
  readonly unfit: Readonly<Record<string, string>>
  readonly cases: ReadonlyArray<{
    readonly reason: string
    /** `file: case`, as the runner prints them. */
    readonly cases: ReadonlyArray<string>
  }>
}
