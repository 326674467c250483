/** Ends what hangs, and says nothing of how fast a machine is: with its cores busy, a start of the command took 10 s. */
export const patience = { testTimeout: 300_000, hookTimeout: 300_000 }

/** What every package's vitest is set to. Beside the screen each run leaves its counts in `.vitest/`, where `.ci/count.ts` adds them up. */
export default {
  test: {
    include: ["test/**/*.test.ts"],
    passWithNoTests: true,
    ...patience,
    reporters: ["default", "json"],
    outputFile: { json: ".vitest/results.json" }
  }
}
