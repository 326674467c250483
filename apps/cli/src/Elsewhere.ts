/** Flags of curl, wget and aria2 that people's fingers know, and what does the same here. */
const names: Readonly<Record<string, ReadonlyArray<string>>> = {
  "`--insecure`": ["-k", "--no-check-certificate", "--check-certificate"],
  "`--rate`": ["--limit-rate", "--max-download-limit", "--max-overall-download-limit"],
  "`--max-size`": ["--max-filesize", "--quota"],
  "`--proxy`": ["-x", "--all-proxy"],
  "`-o DIR`": ["-P", "--directory-prefix", "--output-dir", "-d", "--dir"],
  "`-O FILE`": ["--output-document"],
  "`-i`": ["--input-file"],
  "`--retries`": ["-t", "--tries", "--retry", "--max-tries"],
  "`--delay`": ["-w", "--wait", "--random-wait"],
  "`-A`": ["-U"],
  "`--cookie-jar`": ["-b", "--cookie", "--load-cookies", "--save-cookies"],
  "`--max-time`": ["-m"],
  "`--per-host`": ["--max-connection-per-server", "--parallel-max-host"],
  "`-j`": ["--parallel-max", "--max-threads", "--max-concurrent-downloads"],
  "`simul crawl`": ["-r", "--recursive", "--mirror", "--page-requisites", "-p"]
}
const needless: Readonly<Record<string, ReadonlyArray<string>>> = {
  "redirects are followed without a flag": ["-L", "--location"],
  "what broke off is continued without a flag: run the same command again": ["-c", "-C", "--continue", "--continue-at"],
  "transfers run side by side without a flag; `-j` says how many": ["-Z", "--parallel"]
}

/** What to say of a flag that another program has; nothing of others. */
export const hintFor = (flag: string): string | undefined => {
  const found = (table: typeof names) => Object.keys(table).find((key) => table[key]!.includes(flag))
  const here = found(names)
  return here === undefined ? found(needless) : `did you mean ${here}?`
}
