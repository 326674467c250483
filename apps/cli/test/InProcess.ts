/** Runs the program in this process, which is much faster than in one of its own, and tells all that a caller can see of it. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { services } from "../src/Process.ts"
import { Screen } from "../src/Screen.ts"
import * as Simul from "../src/Simul.ts"
import * as FakeScreen from "./FakeScreen.ts"

/**
 * The whole screen of a run to its end. Arguments that name what is in the folder, or is to be made there (`out.csv`), are
 * given with the folder before them; on the screen it is left out.
 */
export const screen = async (args: ReadonlyArray<string>, folder: string): Promise<string> => {
  const fake = FakeScreen.make()
  const placed = args.map((arg) =>
    /^[\w/-]+(?:\.\w+)?$/.test(arg) && (existsSync(join(folder, arg)) || /^(?:out|none)\b/.test(arg))
      ? join(folder, arg)
      : arg
  )
  const status = await Effect.runPromise(
    Effect.provide(Simul.run(placed), Layer.merge(Layer.succeed(Screen, fake.screen), services))
  )
  return `exit ${status}\n--- stdout\n${fake.stdout()}--- stderr\n${fake.stderr()}`.replaceAll(`${folder}/`, "")
}
