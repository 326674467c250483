/** `simul pack`: the archives of a directory as one file that can be passed on. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { join } from "node:path"
import { directoryArgument } from "../DirectoryArgument.ts"
import { text } from "../FlagKinds.ts"
import * as GlobalFlags from "../GlobalFlags.ts"
import { printable } from "../Printable.ts"
import * as Progress from "../Progress.ts"
import { Screen } from "../Screen.ts"
import * as Sizes from "../Sizes.ts"
import * as Summary from "../Summary.ts"
import { UsageError } from "../UsageError.ts"
import { version } from "../Version.ts"

const output = text("output", "FILE", "Into this file; it ends in .wacz [DIR/simul.wacz]").pipe(Flag.withAlias("O"))

export const pack = Command.make(
  "pack",
  { directory: directoryArgument, output },
  Effect.fnUntraced(function* ({ directory, output }) {
    const screen = yield* Screen
    const file = Option.getOrElse(output, () => join(directory, "simul.wacz"))
    if (!file.endsWith(".wacz"))
      return yield* UsageError.of(
        `no .wacz file: ${printable(file)}`,
        "readers know a package by its name: `-O site.wacz`"
      )
    const { archived } = yield* Effect.promise(() => import("@simul/scraper/store/Directory"))
    const Wacz = yield* Effect.promise(() => import("@simul/scraper/sink/Wacz"))
    const quiet = yield* GlobalFlags.quiet
    const contents = yield* archived(directory)
    const total = contents.archives.reduce((sum, { bytes }) => sum + bytes, 0)
    let read = 0
    const line = () => `${Sizes.format(read)} of ${Sizes.format(total)} packed`
    const packing = Wacz.pack(contents, file, `simul ${version}`, (bytes) => void (read += bytes))
    const packed = yield* Effect.scoped(Effect.andThen(quiet ? Effect.void : Progress.working(line, screen), packing))
    if (quiet) return
    const { archives, captures, pages, bytes } = packed
    const what = [
      Summary.plural(archives, "archive"),
      Summary.plural(captures, "capture"),
      Summary.plural(pages, "page")
    ].join(", ")
    screen.note(`${screen.paint.green("packed")} ${what} into ${printable(file)} (${Sizes.format(bytes)})`)
  }, Effect.scoped)
).pipe(
  Command.withDescription(
    "Put the archives of a directory (`--format warc`), their index and a list of\npages into one WACZ file, which ReplayWeb.page opens. What is there stays as it\nis. A FILE has its name only when it is whole; the same command makes it anew."
  ),
  Command.withShortDescription("Pack archives into one WACZ file"),
  Command.withExamples([
    { command: "simul pack archive", description: "Into archive/simul.wacz" },
    { command: "simul pack archive -O site.wacz", description: "Into a file of that name" }
  ])
)
