import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { drawing } from "./MapBounded.ts"

NodeRuntime.runMain(Effect.flatMap(drawing, (lines) => Console.log(lines.join("\n"))))
