/** Vitest for the tests of a peer that are written for it: in its checkout, with our module for what they import. */
import { fileURLToPath } from "node:url"
import { defineConfig } from "vitest/config"
import { longest } from "./NodeTests.ts"
import { peers } from "./Peers.ts"

const { SIMUL_PEER = "", SIMUL_PEER_DIRECTORY = "" } = process.env
const { modules } = peers[SIMUL_PEER]!

export default defineConfig({
  root: SIMUL_PEER_DIRECTORY,
  resolve: {
    alias: [
      ...modules.map(([find, module]) => ({ find, replacement: fileURLToPath(new URL(module, import.meta.url)) })),
      { find: /^vitest$/, replacement: fileURLToPath(import.meta.resolve("vitest")) }
    ]
  },
  test: { globals: true, testTimeout: longest / 2 }
})
