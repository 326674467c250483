/**
 * Flags of curl, wget, aria2 and HTTrack that people's fingers know, and what does the same here. A letter that is another
 * thing to each of them stands with each.
 */
const names: Readonly<Record<string, string>> = {
  "--insecure": "-k --no-check-certificate --check-certificate",
  "--cacert": "--ca-certificate",
  "--rate": "--limit-rate --max-overall-download-limit --max-download-limit --max-rate",
  "--max-size": "--max-filesize",
  "--proxy": "-x --all-proxy --http-proxy --https-proxy",
  "--proxy socks5://HOST:PORT": "--socks5 --socks5-hostname",
  "--proxy http://USER:PASSWORD@HOST:PORT": "-U --proxy-user --http-proxy-user --http-proxy-password",
  "-A": "-U",
  "-H": "--headers",
  "-H 'Referer: URL'": "-e --referer",
  "-H 'Cookie: NAME=VALUE'": "-b --cookie",
  "-H 'Cache-Control: no-cache'": "--no-cache --http-no-cache",
  "--out DIR": "-P --directory-prefix --output-dir -d --dir --path",
  "-O FILE": "--output-document",
  "--flat":
    "--no-directories --no-host-directories --cut-dirs --remote-name -J --remote-header-name --content-disposition",
  "-i": "--input-file --list",
  "-q": "-s --silent --no-verbose",
  "--progress bar": "-# --progress-bar --show-progress",
  "--json": "-w --write-out",
  "--retries": "-t --tries --retry --max-tries",
  "--delay": "-w --wait --random-wait",
  "--cookie-jar": "-b -c --cookie --load-cookies --save-cookies",
  "--max-time": "-m",
  "--timeout": "-T --read-timeout",
  "--connect-timeout": "--dns-timeout",
  "--refresh": "-N --timestamping --conditional-get --time-cond",
  "--format warc": "--warc-file",
  "--warc-size": "--warc-max-size",
  "--depth": "-l --level",
  "--scope path": "--no-parent --stay-on-same-dir",
  "--scope domain": "--stay-on-same-domain",
  "--include": "-I --accept --accept-regex --include-directories",
  "--exclude": "-R -X --reject --reject-regex --exclude-directories",
  "--no-robots": "-e --execute",
  "--per-host": "-x --max-connection-per-server --parallel-max-host",
  "-j": "--parallel-max --max-threads --max-concurrent-downloads --sockets",
  "--mirror": "-m -k --convert-links",
  "simul crawl": "-r --recursive",
  "simul crawl --depth N": "-l --level",
  "simul crawl --scope path": "--no-parent",
  "simul crawl --include RE": "--accept --accept-regex",
  "simul crawl --exclude RE": "--reject --reject-regex",
  "simul crawl --mirror": "-m --mirror --convert-links"
}

/** What needs no flag, and what is not there, in one sentence. */
const sentences: Readonly<Record<string, string>> = {
  "an error answer is a failure without a flag, and leaves no file": "-f --fail",
  "`--format warc` keeps the bodies of error answers, 64 KiB of each": "--content-on-error --fail-with-body",
  "`--format warc` keeps the headers of answers": "-D -S --dump-header --server-response --save-headers",
  "errors are told with `-q` too": "-S --show-error",
  "what is saved is skipped without a flag": "--no-clobber",
  "redirects are followed without a flag": "-L --location",
  "at most 20 redirects are followed; no flag changes that": "--max-redirs --max-redirect",
  "what broke off is continued without a flag: run the same command again": "-c -C --continue --continue-at",
  "what may pass is tried again without a flag, after pauses that grow":
    "--retry-delay --retry-wait --waitretry --retry-connrefused --retry-all-errors",
  "transfers run side by side without a flag; `-j` says how many": "-Z --parallel",
  "compressed answers are asked for, and decoded, without a flag": "--compressed --compression --http-accept-gzip",
  "HTTP/2 is spoken where a server offers it; no flag chooses": "--http1.1 --http2 --no-http2",
  "IPv4 and IPv6 are tried without a flag; none chooses one":
    "-4 -6 --ipv4 --ipv6 --inet4-only --inet6-only --disable-ipv6 --prefer-family",
  "`NO_PROXY` in the environment names hosts that need none of its proxies, `*` all": "--noproxy --no-proxy",
  "cookies are kept with `--cookie-jar` only": "--no-cookies",
  "folders are made without a flag": "--create-dirs --force-directories",
  "files are named by their URLs; their types add no ending": "-E --adjust-extension --html-extension",
  "a file has the time at which it was saved, not the server's": "-R --remote-time --use-server-timestamps",
  "without a flag `simul crawl` takes what pages need to be shown; with `--depth 0` of one page":
    "-p --page-requisites",
  "`simul crawl --mirror` changes a copy; what was saved stays as it came": "-K --backup-converted",
  "`simul crawl` stays on the hosts of its URLs, or with `--scope domain` in their domains":
    "-D --domains --exclude-domains --span-hosts --go-everywhere",
  "`nohup` before the command and `&` behind it run it in the background": "-b -D --background --daemon",
  "`https://USER:PASSWORD@HOST/` logs in, and so does `-H 'Authorization: ...'`":
    "-u --user --password --http-user --http-password --http-passwd --ask-password --basic --oauth2-bearer",
  "digest authentication and .netrc are not there; `https://USER:PASSWORD@HOST/` is":
    "--digest --anyauth --ntlm --negotiate -n --netrc --netrc-file --netrc-optional --netrc-path",
  "client certificates are not there": "-E --cert --key --certificate --private-key",
  "requests are GET: nothing is posted or uploaded":
    "-d -F -T -X --data --data-raw --data-binary --form --post-data --post-file --method --request --upload-file",
  "HEAD requests and dry runs are not there; `simul explain URL` says what would become of a URL":
    "-I --head --use-head --spider --dry-run",
  "parts of files are not there: each comes whole, over one connection":
    "-s --split --min-split-size --chunk-size --range",
  "Metalink, BitTorrent and FTP are not there":
    "-M -T --metalink --metalink-file --follow-metalink --torrent-file --ftp-user --ftp-passwd --ftp-password"
}

/** What wget has of two letters, which would be taken for two flags. */
export const inFull: ReadonlyMap<string, string> = new Map([
  ["-nc", "--no-clobber"],
  ["-nd", "--no-directories"],
  ["-nH", "--no-host-directories"],
  ["-np", "--no-parent"],
  ["-nv", "--no-verbose"]
])

/** What another program's flag may mean to a command that has the flags `own`: names here, and what there is to say. */
export const meanings = (flag: string, own: ReadonlyArray<string>) => {
  const found = (table: typeof names) => Object.keys(table).filter((key) => table[key]!.split(" ").includes(flag))
  const isHere = (name: string) =>
    own.includes(name.startsWith("simul ") ? "--input" : name.split(" ")[0]!.replace("--no-", "--"))
  return { names: found(names).filter(isHere), sentences: own.includes("--jobs") ? found(sentences) : [] }
}
