/** Runs the program in this process, which is much faster than in one of its own, and tells all that a caller can see of it. */
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { services } from "../src/Process.ts"
import { Screen } from "../src/Screen.ts"
import * as Simul from "../src/Simul.ts"
import * as FakeScreen from "./FakeScreen.ts"

/** A run to its end. `fakes` take the place of the program's own services. */
export const run = Effect.fnUntraced(function* (
  args: ReadonlyArray<string>,
  fakes: Layer.Layer<never> = Layer.empty,
  fake: ReturnType<typeof FakeScreen.make> = FakeScreen.make()
) {
  // what the library prints itself, such as help
  const log = (text: string) => Effect.runSync(fake.screen.data(`${text}\n`))
  const status = yield* Simul.run(args).pipe(
    Effect.provide(Layer.mergeAll(services, fakes, Layer.succeed(Screen, fake.screen))),
    Effect.provideService(Console.Console, { ...globalThis.console, log })
  )
  const [stdout, stderr] = [fake.stdout(), fake.stderr()]
  return { status, stdout, stderr, screen: `exit ${status}\n--- stdout\n${stdout}--- stderr\n${stderr}` }
})

/**
 * The whole screen of a run to its end. Arguments that name what is in the folder, or is to be made there (`out.csv`), are
 * given with the folder before them; on the screen it is left out.
 */
export const screen = async (args: ReadonlyArray<string>, folder?: string): Promise<string> => {
  if (folder === undefined) return (await Effect.runPromise(run(args))).screen
  const placed = args.map((arg) =>
    /^[\w/-]+(?:\.\w+)?$/.test(arg) && (existsSync(join(folder, arg)) || /^(?:out|none)\b/.test(arg))
      ? join(folder, arg)
      : arg
  )
  const { screen } = await Effect.runPromise(run(placed))
  return screen.replaceAll(`${folder}/`, "")
}
