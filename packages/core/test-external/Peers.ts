/** The pools whose own tests judge ours: where their tests lie, and which of our modules stands for what they import. */
import { differences as piscina } from "./PiscinaDifferences.ts"
import { differences as tinypool } from "./TinypoolDifferences.ts"
import { differences as workerpool } from "./WorkerPoolDifferences.ts"
import type { Differences } from "./Differences.ts"

export interface Peer {
  /** Where the tests are, in the peer's checkout. */
  readonly folder: string
  readonly tests: RegExp
  /** They are written for vitest. */
  readonly vitest?: true
  /** Imports of tests and of their tasks, by what they say, and our module for it. */
  readonly modules: ReadonlyArray<readonly [specifier: RegExp, module: string]>
  readonly differences: Differences
}

export const peers: Readonly<Record<string, Peer>> = {
  piscina: {
    folder: "test",
    tests: /\.test\.ts$/,
    modules: [
      [/^(?:\.\.(?:\/\.\.)?\/?(?:dist(?:\/(?:common|symbols|worker_pool))?)?|piscina)$/, "./Piscina.ts"],
      [/^node:test$/, "./Cases.ts"],
      [/^concat-stream$/, "./ConcatStream.ts"]
    ],
    differences: piscina
  },
  tinypool: {
    folder: "test",
    tests: /\.test\.ts$/,
    vitest: true,
    modules: [[/^(?:tinypool|\.\.\/\.\.\/dist\/index\.js)$/, "./Tinypool.ts"]],
    differences: tinypool
  },
  workerpool: {
    folder: "test",
    tests: /\.test\.js$/,
    modules: [
      [/^\.\.\/src\/Pool$/, "./WorkerPool.ts"],
      [/^\.\.\/\.\.\/?$/, "./workerpool.task.ts"]
    ],
    differences: workerpool
  }
}
