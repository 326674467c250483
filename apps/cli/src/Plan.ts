import type { Options } from "@simul/scraper/Options"
import type { Source } from "./Engine.ts"
import type * as Progress from "./Progress.ts"

/** What the command line asks for, checked. */
export interface Plan {
  readonly source: Source
  readonly options: Options
  /** The list has exactly one URL, named on the command line. */
  readonly single: boolean
  /** The body of the single URL goes to standard output. */
  readonly toStdout: boolean
  /** A device or a pipe that the body of the single URL is written to: a file would take its place. */
  readonly stream?: string
  readonly json: boolean
  readonly progress: "auto" | Progress.Kind
  readonly quiet: boolean
  readonly verbose: number
  /** Where to write what the run did. */
  readonly timeline: string | undefined
}
