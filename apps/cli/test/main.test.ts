import { assert, describe, it } from "@effect/vitest"
import { Site } from "@simul/scraper/testing"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { closeSync, existsSync, openSync } from "node:fs"
import { chown, mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { fileURLToPath } from "node:url"
import { shellWord } from "../src/ShellWord.ts"
import { version } from "../src/Version.ts"
import * as Program from "./Program.ts"

const endless = fileURLToPath(new URL("EndlessRun.ts", import.meta.url))

it.skipIf(process.platform === "win32")("takes no folder on standard input for a list without URLs", () => {
  const folder = openSync(tmpdir(), "r")
  const { status, stderr } = spawnSync(process.execPath, [Program.main, "get", "-i", "-"], {
    stdio: [folder, "pipe", "pipe"],
    encoding: "utf8"
  })
  closeSync(folder)
  assert.deepStrictEqual(
    { status, stderr },
    {
      status: 2,
      stderr:
        "error: standard input is a folder, not a list of URLs\n\nhint: `simul get -i - < urls.txt` reads a file\n"
    }
  )
})

describe.concurrent("help and version", () => {
  it("prints its version", async () => {
    const expected = `exit 0\n--- stdout\nsimul ${version}\n--- stderr\n`
    for (const args of [["--version"], ["-V"], ["get", "-V"]]) assert.strictEqual(await Program.screen(args), expected)
  })
  it("ends with a line that can be run as it stands, by the repository's start too", async () => {
    const env = { npm_lifecycle_event: "start", npm_package_name: "simul-monorepo" }
    assert.include(await Program.screen([], { env }), "\n  npx -y pnpm@12 start get https://example.com/ -o pages\n")
  })
  it("colours help only where it is asked to", async () => {
    assert.include(await Program.screen(["get", "--help", "--color", "always"]), "\x1b[1m")
    assert.notInclude(await Program.screen(["get", "--help", "--color=never"]), "\x1b")
  })
})

describe.concurrent("surroundings", () => {
  it.each([["get", "-O-"], ["shell"]])(
    "says what is wrong with the folder for temporary files: %s",
    async (...args) => {
      // a file: what nobody can write to, root included
      const text = await Program.screen([...args, "http://127.0.0.1:9/"], { env: { TMPDIR: process.execPath } })
      assert.strictEqual(
        text,
        `exit 1\n--- stdout\n--- stderr\nerror: cannot use ${process.execPath}, the folder for temporary files (ENOTDIR)\n\n` +
          "hint: make room there, or name another one with TMPDIR\n"
      )
    }
  )
  /** What it says where this has put a `simul.json`. */
  const withSettings = async (put: (file: string) => Promise<unknown>) => {
    const directory = await mkdtemp(join(tmpdir(), "simul-test-"))
    try {
      await put(join(directory, "simul.json"))
      const environment = { npm_lifecycle_event: "start", npm_package_name: "@simul/cli", INIT_CWD: directory }
      return await Program.screen(["get", "http://a/"], { env: environment })
    } finally {
      await rm(directory, { recursive: true })
    }
  }

  // only root can give a file away
  it.skipIf(process.getuid?.() !== 0)("obeys no settings that another user left where the person stands", async () => {
    const text = await withSettings(async (file) => {
      await writeFile(file, '{ "proxy": "http://evil.example" }')
      await chown(file, 12_345, 12_345)
    })
    assert.match(
      text,
      /^exit 2\n--- stdout\n--- stderr\nerror: the settings file .*simul\.json belongs to another user\n/
    )
  })

  it.skipIf(process.platform === "win32")(
    "waits for no settings from a pipe that lies where the person stands",
    async () => {
      const text = await withSettings(async (file) => execFileSync("mkfifo", [file]))
      assert.match(text, /^exit 2\n--- stdout\n--- stderr\nerror: the settings file .*simul\.json is no regular file\n/)
    }
  )

  it("takes relative paths from where the person stands when pnpm runs it", async () => {
    const directory = await mkdtemp(join(tmpdir(), "simul-test-"))
    try {
      await writeFile(join(directory, "simul.json"), '{ "jbos": 3 }')
      const pnpm = { npm_lifecycle_event: "start", npm_package_name: "@simul/cli", INIT_CWD: directory }
      assert.include(await Program.screen(["get", "http://a/"], { env: pnpm }), 'simul.json: unknown setting "jbos"')
      // A script of someone else that runs simul: its working directory is the right one.
      const other = { ...pnpm, npm_package_name: "other", SIMUL_JOBS: "x" }
      assert.include(await Program.screen(["get", "http://a/"], { env: other }), "SIMUL_JOBS: expected a whole number")
    } finally {
      await rm(directory, { recursive: true })
    }
  })
  it.skipIf(process.execve === undefined)("starts anew with a nursery as large as it has use for", async () => {
    const folder = await mkdtemp(join(tmpdir(), "simul-nursery-"))
    const NODE_OPTIONS = "--import=data:text/javascript,console.error('flags:'+process.execArgv)"
    /** The flags of its last start. */
    const flagsOf = async (...args: ReadonlyArray<string>) =>
      (await Program.screen([...args, "--help"], { env: { NODE_OPTIONS } })).trimEnd().split("\n").at(-1)
    const ofList = async (bytes: number) => {
      const list = join(folder, `${bytes}.txt`)
      await writeFile(list, "")
      await truncate(list, bytes)
      return flagsOf("get", "-i", list)
    }
    try {
      const told = [
        flagsOf("crawl"),
        flagsOf("get", "-i", "-"),
        ofList(2 ** 18),
        ofList(2 ** 18 + 1),
        ofList(2 ** 21 + 1)
      ]
      const [small, large] = [4, 16].map((most) => `flags:--max-semi-space-size=${most},--no-concurrent-recompilation`)
      assert.deepStrictEqual(await Promise.all(told), [small, small, "flags:", small, large])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
  it("goes on as it is where Node may not start anew", async () => {
    const NODE_OPTIONS = "--permission --allow-fs-read=*"
    assert.include(await Program.screen(["crawl", "--help"], { env: { NODE_OPTIONS } }), "Usage: simul crawl")
  })
  it.skipIf(process.platform === "win32")("leaves nothing unwritten where its reader is slow", async () => {
    const folder = await mkdtemp(join(tmpdir(), "simul-slow-"))
    try {
      const word = "x".repeat(40_000)
      await Promise.all(["a", "b"].map((name) => writeFile(join(folder, `${name}.html`), `<h1>${word}</h1>`)))
      // more than a pipe holds, and nobody reads until the program has told that it is done
      const script = `cd "$2" && "$0" "$1" extract a.html b.html -s word=h1 2>told | {
        until grep -q extracted told; do sleep 0.1; done; cat; }`
      const stdout = execFileSync("sh", ["-c", script, process.execPath, Program.main, folder], { encoding: "utf8" })
      const words = stdout.split("\n", 2).map((line) => (JSON.parse(line) as { readonly word: string }).word)
      assert.deepStrictEqual(words, [word, word])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
  it.skipIf(process.platform === "win32")("waits for no slow reader once it is told to stop", async () => {
    const folder = await mkdtemp(join(tmpdir(), "simul-slow-"))
    const pipe = join(folder, "pipe")
    execFileSync("mkfifo", [pipe])
    // its own reader, which reads nothing; a pipe holds less than both records
    const stdout = await open(pipe, "r+")
    try {
      const names = ["a", "b"].map((name) => join(folder, `${name}.html`))
      await Promise.all(names.map((name) => writeFile(name, `<h1>${"x".repeat(40_000)}</h1>`)))
      const args = [Program.main, "extract", ...names, "-s", "word=h1"]
      const child = spawn(process.execPath, args, { stdio: ["ignore", stdout.fd, "pipe"] })
      child.stderr!.setEncoding("utf8")
      for (let told = ""; !told.includes("extracted");) told += ((await once(child.stderr!, "data")) as [string])[0]
      child.kill("SIGTERM")
      assert.deepStrictEqual(await once(child, "exit"), [130, null])
    } finally {
      await stdout.close()
      await rm(folder, { recursive: true })
    }
  })
  it("ends quietly when the reader goes away", async () => {
    const child = Program.start(["get", "https://a.example/", "https://b.example/", "--json"], { program: endless })
    let stderr = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    await once(child.stdout, "data")
    child.stdout.destroy()
    const [status] = await once(child, "close")
    assert.deepStrictEqual([status, stderr], [0, ""])
  })
  it.each(["SIGINT", "SIGTERM"] as const)("stops cleanly on %s and says how to go on", async (signal) => {
    const child = Program.start(["get", "https://a.example/", "https://b.example/", "--json"], { program: endless })
    let stderr = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
    })
    await once(child.stdout, "data")
    child.stdout.resume()
    child.kill(signal)
    const [status] = await once(child, "close")
    assert.strictEqual(status, 130)
    assert.match(
      stderr,
      /^interrupted after 2\.4s: saved [\d,]+ \(.*\)\n\nhint: run the same command again to resume\n$/
    )
  })
  it.skipIf(process.platform === "win32")("stops cleanly while its list says nothing, piped or named", async () => {
    const folder = await mkdtemp(join(tmpdir(), "simul-quiet-"))
    const pipe = join(folder, "list")
    execFileSync("mkfifo", [pipe])
    // for reading too: so it opens before the program does
    const writer = await open(pipe, "r+")
    try {
      const run = async (input: string, write: (child: ReturnType<typeof Program.start>) => unknown) => {
        const child = Program.start(["get", "-i", input, "-o", join(folder, "out", input.slice(-1)), "--json"])
        write(child)
        await once(child.stdout, "data")
        child.kill("SIGINT")
        return once(child, "close")
      }
      const list = "no URL\n"
      const ended = [run("-", ({ stdin }) => stdin.write(list)), run(pipe, () => writer.write(list))]
      assert.deepStrictEqual(await Promise.all(ended), [
        [130, null],
        [130, null]
      ])
    } finally {
      await writer.close()
      await rm(folder, { recursive: true })
    }
  })
  it.skipIf(process.platform === "win32")(
    "goes on where a terminal hangs up that it does not have, as `nohup` wants it",
    async () => {
      const child = Program.start(["get", "https://a.example/", "https://b.example/", "--json"], { program: endless })
      await once(child.stdout, "data")
      child.stdout.resume()
      child.kill("SIGHUP")
      // what it says after that shows that it was heard and survived
      child.kill("SIGUSR2")
      await once(child.stderr, "data")
      child.kill("SIGINT")
      assert.deepStrictEqual(await once(child, "close"), [130, null])
    }
  )
  // `script` gives the program a terminal, which goes with it
  it.skipIf(!existsSync("/usr/bin/script") || process.platform !== "linux")(
    "stops cleanly where its terminal closes",
    async () => {
      await using site = await Site.start()
      const folder = await mkdtemp(join(tmpdir(), "simul-terminal-"))
      try {
        const [out, jar] = [join(folder, "out"), join(folder, "jar")]
        const args = ["get", site.url("/hold/gate/empty"), "-o", out, "--timeout", "10m", "--cookie-jar", jar]
        const command = [process.execPath, Program.main, ...args].map(shellWord).join(" ")
        const terminal = spawn("/usr/bin/script", ["-qc", `exec ${command} >&3`, "/dev/null"], {
          stdio: ["pipe", "ignore", "ignore", "pipe"]
        })
        await site.arrived(1, "/hold/")
        terminal.kill("SIGKILL")
        await once((terminal.stdio[3] as Readable).resume(), "close")
        assert.isTrue(existsSync(jar), "what is written at the end of a run")
      } finally {
        await rm(folder, { recursive: true })
      }
    }
  )
  it("ends at once on the second signal, and says what still ran", async () => {
    const child = Program.start(["get", "https://a.example/", "https://b.example/", "--json"], {
      program: endless,
      env: { STUBBORN: "1" }
    })
    await once(child.stdout, "data")
    child.stdout.resume()
    let stderr = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
      // Only a clean stop that takes long says so; then it is time for the second signal.
      if (stderr.includes("Ctrl-C again stops at once")) child.kill("SIGINT")
    })
    child.kill("SIGINT")
    const [status] = await once(child, "close")
    assert.strictEqual(status, 130)
    assert.match(stderr, /\n\d+ fibers?: \d+ running/)
    assert.isAtMost(stderr.split("\n").length, 30)
  })
  it.skipIf(process.platform === "win32")("says on SIGUSR2 what its fibers are at, and goes on", async () => {
    const child = Program.start(["get", "https://a.example/", "https://b.example/", "--json", "-q"], {
      program: endless
    })
    await once(child.stdout, "data")
    child.stdout.resume()
    child.kill("SIGUSR2")
    const [text] = (await once(child.stderr.setEncoding("utf8"), "data")) as [string]
    assert.match(text, /^\d+ fibers?: \d+ running/)
    child.kill("SIGINT")
    const [status] = await once(child, "close")
    assert.strictEqual(status, 130)
  })
})

describe("a full disk behind standard output", () => {
  it.skipIf(process.platform !== "linux").each(["", "--version", "--help"])(
    "ends the program with an error, not with silence: simul %s",
    async (arg) => {
      const full = openSync("/dev/full", "w")
      try {
        const child = spawn(process.execPath, [Program.main, ...(arg === "" ? [] : [arg])], {
          stdio: ["ignore", full, "pipe"]
        })
        let stderr = ""
        child.stderr!.setEncoding("utf8").on("data", (text: string) => {
          stderr += text
        })
        const [status] = await once(child, "close")
        assert.strictEqual(status, 1)
        assert.match(stderr, /^error: cannot write to standard output \(ENOSPC\)\n(\nhint: .*\n)?$/)
      } finally {
        closeSync(full)
      }
    }
  )
})
