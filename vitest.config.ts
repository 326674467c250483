import { defineConfig } from "vitest/config"
import { patience } from "./vitest.shared.ts"

/**
 * All tests of the repository in one vitest. The packages have a config each; `house` and `packed` are about the
 * repository as a whole.
 */
export default defineConfig({
  test: {
    projects: [
      "packages/*",
      "apps/*",
      { test: { name: "house", include: ["test/*.test.ts", "benchmark/test/*.test.ts"], ...patience } },
      {
        test: {
          name: "packed",
          include: ["test/packed/*.test.ts"],
          globalSetup: "test/packed/Installation.ts",
          ...patience
        }
      }
    ],
    passWithNoTests: true,
    reporters: ["default", "json"],
    outputFile: { json: ".vitest/results.json" }
  }
})
