/**
 * Flags of curl, wget and aria2 that people's fingers know, and what does the same here. A letter that is another thing
 * to each of them stands with each, or not at all where one of these is nothing here.
 */
const names: Readonly<Record<string, ReadonlyArray<string>>> = {
  "--insecure": ["-k", "--no-check-certificate", "--check-certificate"],
  "--rate": ["--limit-rate", "--max-overall-download-limit"],
  "--max-size": ["--max-filesize"],
  "--proxy": ["-x", "--all-proxy"],
  "-o DIR": ["-P", "--directory-prefix", "--output-dir", "--dir"],
  "-O FILE": ["--output-document"],
  "-i": ["--input-file"],
  "--retries": ["-t", "--tries", "--retry", "--max-tries"],
  "--delay": ["--wait"],
  "--cookie-jar": ["-c", "--load-cookies", "--save-cookies"],
  "--max-time": ["-m"],
  "--timeout": ["--read-timeout"],
  "--refresh": ["--timestamping", "--conditional-get"],
  "--depth": ["--level"],
  "--scope path": ["--no-parent"],
  "--include": ["--accept-regex"],
  "--exclude": ["--reject-regex"],
  "--per-host": ["-x", "--max-connection-per-server", "--parallel-max-host"],
  "-j": ["--parallel-max", "--max-threads", "--max-concurrent-downloads"],
  "--mirror": ["-m", "-k"],
  "simul crawl": ["-r", "--recursive"],
  "simul crawl --mirror": ["-m", "--mirror"]
}
const needless: Readonly<Record<string, ReadonlyArray<string>>> = {
  "an error answer is a failure without a flag, and leaves no file": ["-f", "--fail"],
  "what is saved is skipped without a flag": ["--no-clobber"],
  "redirects are followed without a flag": ["-L", "--location"],
  "what broke off is continued without a flag: run the same command again": ["-c", "-C", "--continue", "--continue-at"],
  "transfers run side by side without a flag; `-j` says how many": ["-Z", "--parallel"]
}

/** What another program's flag may mean to a command that has the flags `own`: names here, and why it needs none. */
export const meanings = (flag: string, own: ReadonlyArray<string>) => {
  const found = (table: typeof names) => Object.keys(table).filter((key) => table[key]!.includes(flag))
  const isHere = (name: string) => own.includes(name.startsWith("simul ") ? "--input" : name.split(" ")[0]!)
  return { names: found(names).filter(isHere), needless: own.includes("--jobs") ? found(needless) : [] }
}
