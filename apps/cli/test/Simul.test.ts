/** What the program says of itself, and of what it is given. */
import { assert, describe, it } from "@effect/vitest"
import { version } from "../src/Version.ts"
import * as InProcess from "./InProcess.ts"

const screen = async (...args: ReadonlyArray<string>) => (await InProcess.screen(args)).replaceAll(version, "VERSION")

describe("help", () => {
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
    const screens = [all]
    for (const command of commands) screens.push(await screen(command, "-h"))
    assert.deepStrictEqual(
      screens.flatMap((text) => text.split("\n")).filter((line) => line.length > 79),
      []
    )
  })
  it("prints completions for a shell", async () => {
    const bash = await screen("--completions", "bash")
    assert.match(bash, /^exit 0\n[^]*--per-host[^]*\ncomplete [^]* simul\n/)
    assert.include(bash, "'files' 'warc'")
  })
  it("completes all commands, whichever is named beside", async () => {
    const all = await screen("--completions", "fish")
    assert.include(all, "crawl")
    assert.strictEqual(await screen("get", "--completions", "fish"), all)
  })
})

describe("usage errors", () => {
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
    ["a flag of all commands, misspelt", ["get", "--quite"], "no such flag: --quite", "did you mean `--quiet`?"],
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
    ["a flag without command", ["-o", "a", "http://a/"], "no command given", "did you mean `simul get http://a/`?"],
    ["a host without command", ["a.example"], "no such command: a.example", "`simul get https://a.example`?"],
    ["a port without command", ["a:1/b"], "no such command: a:1/b", "did you mean `simul get http://a:1/b`?"],
    ["a flag's name as a command", ["version"], "no such command: version", "did you mean `simul --version`?"],
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
    [
      "a flag by its last value",
      ["get", "-j", "3", "--jobs", "0", "http://a/"],
      "--jobs: expected a whole number",
      "0"
    ],
    ["a second list", ["get", "-i", "a", "-i", "b"], "--input is given more than once", "run once for each list"],
    ["curl's -o -", ["get", "-o", "-", "http://a/"], "--out: expected a directory (`get -O -` is standard output", ""],
    [
      "a dash for a page",
      ["report", "--html", "-"],
      '--html: expected a file (`./-` is one of that name), got "-"',
      ""
    ],
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
