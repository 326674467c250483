/** What every package's vitest is set to. Beside the screen each run leaves its counts in `.vitest/`, where `.ci/count.ts` adds them up. */
export default {
  test: {
    include: ["test/**/*.test.ts"],
    passWithNoTests: true,
    // ends what hangs, and says nothing of how fast a machine is: with its cores busy, a start of the command took 10 s
    testTimeout: 120_000,
    reporters: ["default", "json"],
    outputFile: { json: ".vitest/results.json" }
  }
}
