import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { closeSync, openSync } from "node:fs"
import { chown, mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { version } from "../src/Version.ts"
import * as Program from "./Program.ts"

const endless = fileURLToPath(new URL("EndlessRun.ts", import.meta.url))

const screen = async (...args: ReadonlyArray<string>) => (await Program.screen(args)).replaceAll(version, "VERSION")

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
    const expected = "exit 0\n--- stdout\nsimul VERSION\n--- stderr\n"
    assert.deepStrictEqual(await Promise.all([screen("--version"), screen("-V"), screen("get", "-V")]), [
      expected,
      expected,
      expected
    ])
  })
  it("says how to begin when nothing is asked", async ({ expect }) => {
    expect(await screen()).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      simul VERSION: fetch many URLs to files, fast, politely, resumably

        simul get URL...           fetch URLs to files
        simul get -i FILE -o DIR   fetch a list into a directory
        simul crawl URL -o DIR     fetch a site by its links
        simul extract PATH...      turn saved pages into records
        simul report [DIR]         say what a run did
        simul verify [DIR]         check saved files against their records
        simul play exhibition      draw what concurrency does
        simul --help               everything else

      Try it:

        simul get https://example.com/ -o pages
      --- stderr
      "
    `)
  })
  it("ends with a line that can be run as it stands, by the repository's start too", async () => {
    const env = { npm_lifecycle_event: "start", npm_package_name: "simul-monorepo" }
    assert.include(await Program.screen([], { env }), "\n  npx -y pnpm@12 start get https://example.com/ -o pages\n")
  })
  it("shows the commands and what they share", async ({ expect }) => {
    expect(await screen("--help")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      Fetch many URLs to files: fast, polite, resumable.

      Usage: simul COMMAND [flags]

      Fetch
        get         Fetch URLs to files
        crawl       Fetch a site by its links

      Steer
        pause       Pause the run in DIR
        resume      Let the run in DIR go on
        scope       Show or change the rules of the crawl in DIR

      Inspect
        report      Say what a run did
        verify      Check saved files against their records
        explain     Say what would become of a URL, and why

      Archive
        pack        Pack archives into one WACZ file

      Extract
        extract     Turn saved pages into records
        check       Check an extraction against recorded pages
        shell       Try selectors on a page

      Learn
        play        Draw concurrency, in virtual time
        race        Time work on threads and processes

      Everywhere
        -h, --help               Show help information
        -V, --version            Print the version
        -q, --quiet              Say nothing but errors
        -v, --verbose            Name each URL that failed; -vv each URL
            --color WHEN         auto, always or never [auto; NO_COLOR]
            --config FILE        JSON settings, below flags and SIMUL_*
                                 [./simul.json]
            --completions SHELL  Print completions for bash, zsh or fish

      Examples
        simul get https://example.com/ -o pages
        simul get -i urls.txt -o pages --per-host 2 --delay 500ms

      \`simul COMMAND --help\` says what a command takes.
      --- stderr
      "
    `)
  })
  it("shows all that get takes", async ({ expect }) => {
    expect(await screen("get", "--help")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      Fetch URLs to files.

      Run the same command again to resume: what is saved is skipped, what failed
      is tried again. A file has its final name only when its body is whole.

      Usage: simul get [URL...] [flags]

      What to fetch
        -i, --input FILE            Read URLs from FILE, one a line; - is stdin

      Where files go
        -O, --output FILE           One URL only: into this file; - is stdout
        -o, --out DIR               Files here, state in DIR/.simul [.]
            --flat                  DIR/name instead of DIR/host/path/name
            --format KIND           Bodies as files, or answers as they came (warc)
                                    [files]
            --warc-size SIZE        Begin another archive beyond this [1G]
            --refresh               Ask again for what is saved, take what changed
            --durability KIND       Survive kill -9 (process), or power loss too
                                    (power) [process]

      Pace
        -j, --jobs N                Transfers in flight [64]
            --per-host N            Transfers in flight to one host [6]
            --delay TIME            Pause between requests to one host: 500ms, 2s [0]
            --adaptive N            Slow hosts are asked less: about N at once [off]
            --max-delay TIME        Longest pause that --adaptive makes [1m]
            --rate SIZE             Bytes a second, all together: 500K, 10M
            --[no-]robots           Obey robots.txt [off]

      Faults and limits
            --retries N             More attempts, for faults that may pass [4]
            --timeout TIME          Longest wait for the next byte [30s]
            --connect-timeout TIME  Longest wait for a connection [10s]
            --max-time TIME         For one URL, all attempts and redirects: 5m, 1h
            --max-size SIZE         Largest body, after decoding: 50M, 2G
            --deny-private          Refuse loopback and private addresses [off];
                                    --allow-private undoes it

      Requests
        -A, --user-agent TEXT       Name and contact sent to servers
        -H, --header NAME:VALUE     Sent to the URL's own origin only; may repeat
            --proxy URL             For all requests [HTTP_PROXY and the like]
            --cacert FILE           PEM certificates to trust besides the usual
            --insecure              Do not verify certificates: anyone can answer
            --cookie-jar FILE       Netscape cookie file, read first, then written

      Screen
            --json                  One JSON line for each outcome, on stdout
            --progress KIND         auto, bar, plain or none [auto]
            --timeline FILE         Draw the run: FILE.html, or .json for Perfetto

      Examples
        # One file, to ./example.com/a.pdf
        simul get https://example.com/a.pdf
        # A list, into ./pages
        simul get -i urls.txt -o pages
        # A list, into archive/*.warc.gz
        simul get -i urls.txt -o archive --format warc
        # Into a pipe, whole or not at all
        simul get https://example.com/a.json -O - | jq .
        # Which URLs failed
        simul get -i - --json < urls.txt | jq -r 'select(.error).url'

      \`simul --help\` lists the flags that every command takes: -q, -v, --color ...
      --- stderr
      "
    `)
  })
  it("shows all that report takes", async ({ expect }) => {
    expect(await screen("report", "-h")).toMatchInlineSnapshot(`
      "exit 0
      --- stdout
      Say what the runs in a directory did, from what they recorded.

      Usage: simul report [DIR] [flags]

      Flags
            --failed     List each URL that failed or was refused, a tab, and why
            --by WHAT    One row for each host, status or reason
            --json       One JSON object; with --failed one JSON line for each URL
            --html FILE  The whole report as one HTML page

      Examples
        # Who answered, and how
        simul report pages --by host
        # A list of what is missing
        simul report pages --failed | cut -f1 > again.txt

      \`simul --help\` lists the flags that every command takes: -q, -v, --color ...
      --- stderr
      "
    `)
  })
  it("paces the crawl of which it says a request a second", async () => {
    assert.match(await screen("crawl", "-h"), /a request a second\n.*--delay 1s/)
  })
  it("says of a command with commands of its own how to be told of those", async () => {
    const help = await screen("play", "--help")
    assert.include(help, "`simul play COMMAND --help` says what a command takes.")
    assert.match(help, /^ {2}exhibition {2}A chess master plays many opponents$/m)
  })
  it("says the same where help is asked for as a command", async () => {
    assert.strictEqual(await screen("help"), await screen("--help"))
    assert.strictEqual(await screen("help", "help"), await screen("--help"))
    assert.strictEqual(await screen("help", "pack"), await screen("pack", "--help"))
  })
  it("fits every help screen into 79 columns", async () => {
    const all = await screen("--help")
    const commands = Array.from(all.matchAll(/^ {2}([a-z]+) {2,}/gm), ([, command]) => command!)
    assert.includeMembers(commands, ["get", "crawl", "explain", "race"])
    const screens = [all, ...(await Promise.all(commands.map((command) => screen(command, "-h"))))]
    assert.deepStrictEqual(
      screens.flatMap((text) => text.split("\n")).filter((line) => line.length > 79),
      []
    )
  })
  it("colours help only where it is asked to", async () => {
    assert.include(await screen("get", "--help", "--color", "always"), "\x1b[1m")
    assert.notInclude(await screen("get", "--help", "--color=never"), "\x1b")
  })
  it("prints completions for a shell", async () => {
    assert.match(await screen("--completions", "bash"), /^exit 0\n[^]*--per-host[^]*\ncomplete [^]* simul\n/)
  })
  it("completes all commands, whichever is named beside", async () => {
    const all = await screen("--completions", "fish")
    assert.include(all, "crawl")
    assert.strictEqual(await screen("get", "--completions", "fish"), all)
  })
})

describe.concurrent("usage errors", () => {
  const cases: ReadonlyArray<readonly [name: string, args: ReadonlyArray<string>, message: string, hint: string]> = [
    ["two URLs in one argument", ["get", "http://a/1\nhttp://a/2"], "a tab or a line end within a URL", "for example"],
    [
      "a port that there is not",
      ["get", "http://a:99999/"],
      'host or port is not valid: "http://a:99999/"',
      "for example"
    ],
    ["no URL", ["get"], "no URL given", "for example: `simul get https://example.com/ -o pages`"],
    ["an unknown flag", ["get", "--jbos", "3"], "no such flag: --jbos", "did you mean `--jobs` or `--json`?"],
    ["an abbreviated flag", ["crawl", "--max-pages-p", "3"], "no such flag: --max-pages-p", "`--max-pages-per-host`?"],
    ["a flag of all commands, abbreviated", ["get", "--verb"], "no such flag: --verb", "did you mean `--verbose`?"],
    [
      "a word that is no toggle's",
      ["get", "--json=x"],
      "--json: expected true, yes, on, 1, y, false, no, off, 0 or n",
      ""
    ],
    ["a flag of curl", ["get", "-k", "http://a/"], "no such flag: -k", "did you mean `--insecure`?"],
    ["a letter of two programs", ["get", "-x", "2", "http://a/"], "no such flag: -x", "`--proxy` or `--per-host`?"],
    ["a flag of wget", ["get", "-r", "http://a/"], "no such flag: -r", "did you mean `simul crawl`?"],
    ["a flag that is not needed", ["get", "-L", "http://a/"], "no such flag: -L", "redirects are followed"],
    ["curl's --fail", ["get", "-f", "http://a/"], "no such flag: -f", "an error answer is a failure without a flag"],
    ["wget's --level", ["crawl", "--level", "2", "http://a/"], "no such flag: --level", "did you mean `--depth`?"],
    ["wget's --no-parent", ["crawl", "--no-parent", "http://a/"], "no such flag: --no-parent", "`--scope path`?"],
    [
      "a list as a URL",
      ["get", process.execPath],
      "no http(s) URL, but a file: /",
      `did you mean \`-i ${process.execPath}`
    ],
    ["a folder that is named like a host", ["get", "../cli"], "no http(s) URL: ../cli", "for example"],
    ["an unknown command", ["gte"], "no such command: gte", "did you mean `get`?"],
    ["a URL without command", ["http://a/"], "no command given", "did you mean `simul get http://a/`?"],
    [
      "a URL without scheme",
      ["get", "a.example/b"],
      "no http(s) URL: a.example/b",
      "did you mean `https://a.example/b`?"
    ],
    ["-O with two URLs", ["get", "-Ox", "http://a/", "http://b/"], "`-O` takes one URL, 2 URLs were given", "`-o DIR`"],
    [
      "curl's -O",
      ["get", "-O", "http://me:secret@a/1", "http://b/"],
      "`-O` takes a file, not a URL: http://***@a/1",
      "`simul get --flat URL`"
    ],
    ["-O with -i", ["get", "-O", "x", "-i", "y"], "`-O` takes one URL, `-i` gives a list", "`-o DIR`"],
    ["-O with -o", ["get", "-O", "x", "-o", "y", "http://a/"], "`-O` and `-o` cannot be combined", "-O DIR/FILE"],
    ["-O for a directory", ["get", "-O", "x/", "http://a/"], "`-O` takes a file, not a directory", "`-o DIR`"],
    ["-O for one that is there", ["get", "-O", ".", "http://a/"], "`-O` takes a file, not a directory", "`-o DIR`"],
    ["two streams for stdout", ["get", "-O-", "--json", "http://a/"], "`-O -` and `--json` both write to stdout", "-O"],
    ["URLs and a list", ["get", "-i", "x", "http://a/"], "URLs and `-i` cannot be combined", "run twice"],
    [
      "negative jobs",
      ["get", "-j", "-3", "http://a/"],
      '--jobs: expected a whole number from 1 to 10000, got "-3"',
      ""
    ],
    ["jobs behind another letter", ["get", "-vqj0", "http://a/"], "--jobs: expected a whole number", ""],
    [
      "jobs glued to their flag",
      ["get", "-j0", "http://a/"],
      '--jobs: expected a whole number from 1 to 10000, got "0"',
      ""
    ],
    [
      "a bad time",
      ["get", "--timeout", "5", "http://a/"],
      '--timeout: expected a time such as 300ms, 2s, 5m or 1h, got "5"',
      ""
    ],
    [
      "a bad size",
      ["get", "--max-size", "5X", "http://a/"],
      '--max-size: expected a size such as 500, 64K, 50M or 2G, got "5X"',
      ""
    ],
    ["a bad choice", ["get", "--durability", "x", "http://a/"], '--durability: expected process or power, got "x"', ""],
    ["a flag given twice", ["get", "--out", "a", "--out", "b", "http://a/"], "--out is given more than once", ""],
    ["a missing value", ["get", "http://a/", "--out"], "--out needs a value", ""],
    ["a header without colon", ["get", "-H", "Foo", "http://a/"], "--header: expected NAME:VALUE, with a colon", ""],
    [
      "a header that is the connection's",
      ["get", "-H", "Content-Length: 5", "http://a/"],
      "--header: expected a NAME other than Content-Length, which the connection sets itself",
      "`simul get --help` lists the flags and what they take"
    ],
    [
      "a header with a line break",
      ["get", "-H", "A: b\r\nC: d", "http://a/"],
      "--header: expected NAME:VALUE, without line breaks",
      ""
    ],
    [
      "a name with a line break",
      ["get", "-A", "me\n", "http://a/"],
      '--user-agent: expected some text without line breaks, control characters or characters outside Latin-1, got "me\\u{a}"',
      ""
    ],
    [
      "a settings file that is not there",
      ["get", "--config", "none.json", "http://a/"],
      "cannot read the settings file none.json (ENOENT)",
      "`--config FILE` (or SIMUL_CONFIG) names one that can be read"
    ],
    [
      "certificates that are not there",
      ["explain", "--cacert", "none.pem", "http://a/"],
      "--cacert none.pem: cannot be read (ENOENT)",
      "check the value of --cacert"
    ],
    [
      "a short name for what is no file",
      ["get", "--flat", "--format", "warc", "http://a/"],
      "`--flat` names files, `--format warc` makes none",
      "leave one of the two away"
    ],
    [
      "an archive into one file",
      ["get", "-O", "a.html", "--format", "warc", "http://a/"],
      "`-O` names files, `--format warc` makes none",
      "leave one of the two away"
    ],
    ["too many arguments", ["report", "a", "b"], "one argument too many: b", ""],
    ["help on no command", ["help", "extrct"], "no such command: extrct", "did you mean `extract`?"],
    ["help of no command", ["extrct", "--help"], "no such command: extrct", "did you mean `extract`?"],
    ["help of no command, quietly", ["-q", "extrct", "--help"], "no such command: extrct", "did you mean `extract`?"],
    ["help on no command, quietly", ["-q", "help", "extrct"], "no such command: extrct", "did you mean `extract`?"]
  ]
  it.each(cases)("refuses %s", async (_name, args, message, hint) => {
    const text = await screen(...args)
    assert.isTrue(text.startsWith(`exit 2\n--- stdout\n--- stderr\nerror: ${message}`), text)
    assert.match(text, /\n\nhint: .*\n$/s)
    assert.include(text, hint)
  })
  it("guesses no letter by another, nor by a short word", async () => {
    for (const flag of ["-z", "--z"]) assert.notInclude(await screen("get", flag, "http://a/"), "did you mean")
  })
  it("calls a flag of two letters as it was given", async () => {
    for (const flag of ["-nd", "--no-directories"])
      assert.include(await screen("extract", flag, "."), `error: no such flag: ${flag}\n`)
  })
  it("names no flag that the command has not, nor one that does something else", async () => {
    const lines: ReadonlyArray<ReadonlyArray<string>> = [
      ...["-t", "-L", "-r", "-d"].map((flag) => ["extract", ".", flag]),
      ["crawl", "-r", "http://a/"],
      ["get", "--quota", "x", "http://a/"]
    ]
    for (const args of lines) {
      const hints = (await screen(...args)).match(/^hint: .*/gm)
      assert.deepStrictEqual(hints, [`hint: \`simul ${args[0]} --help\` lists what it takes`], args.join(" "))
    }
  })
  it("shows no secret of a bad URL, header or proxy", async () => {
    const texts = await Promise.all([
      screen("get", "user:secret@host/a"),
      screen("get", "-H", "Authorization secret", "http://a/"),
      screen("get", "--proxy", "ftp://user:secret@proxy/", "http://a/")
    ])
    for (const text of texts) assert.notInclude(text, "secret")
  })
  it("lets no control character of an argument reach the terminal", async () => {
    const texts = await Promise.all([
      screen("get", "x\x1b[31m\u202ey"),
      screen("a\x1b[31m"),
      screen("get", "--a\x1b[31m")
    ])
    // oxlint-disable-next-line no-control-regex -- control characters are what must not be there
    for (const text of texts) assert.notMatch(text, /[\x1b\u202e]/)
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
        `exit 1\n--- stdout\n--- stderr\nerror: cannot write to ${process.execPath}, the folder for temporary files (ENOTDIR)\n\n` +
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
