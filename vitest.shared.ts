/** What every package's vitest is set to. Beside the screen each run leaves its counts in `.vitest/`, where `.ci/count.ts` adds them up. */
export default {
  test: {
    include: ["test/**/*.test.ts"],
    passWithNoTests: true,
    testTimeout: 30_000,
    reporters: ["default", "json"],
    outputFile: { json: ".vitest/results.json" }
  }
}
