import { run } from "./Demos.ts"

const { env, stdin, stdout, stderr } = process
const ended = new AbortController()
// the second time ends the process at once
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => ended.abort())
// a reader that has enough, as `head` has, is no fault
stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error
  process.exit(0)
})
// pnpm runs this in the folder of the package and leaves the one the person stands in here
process.exitCode = await run(process.argv.slice(2), {
  env,
  stdin,
  stdout,
  stderr,
  signal: ended.signal,
  directory: env["INIT_CWD"] ?? process.cwd()
})
