/** Computes for many seconds in one call, with a listener that would let no signal end it. */
import * as Effect from "effect/Effect"
import * as RealMachine from "../../src/node/RealMachine.ts"
import * as Stage from "../../src/scenario/Stage.ts"
import * as Work from "../../src/scenario/Work.ts"

process.on("SIGINT", () => {})
process.stdout.write("up\n")
await Effect.runPromise(
  Effect.provideService(RealMachine.make().call("main", Work.fibonacci(2_000_000)), Stage.Stage, Stage.make())
)
process.stdout.write("over\n")
