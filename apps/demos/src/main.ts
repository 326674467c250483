import { run } from "./Demos.ts"

const { env, stdin, stdout, stderr } = process
// pnpm runs this in the folder of the package and leaves the one the person stands in here
process.exitCode = await run(process.argv.slice(2), {
  env,
  stdin,
  stdout,
  stderr,
  directory: env["INIT_CWD"] ?? process.cwd()
})
