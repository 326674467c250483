import { assert, describe, it } from "@effect/vitest"
import { noSums } from "../../src/recorder/Gate.ts"
import type { Track } from "../../src/recorder/Track.ts"
import { Tracks } from "../../src/recorder/Tracks.ts"

describe("Tracks", () => {
  it("has no more of them than were under way at one time, and none for two targets at once", () => {
    const tracks = new Tracks(() => {})
    const all = new Set<Track>()
    const underWay: Array<Track> = []
    for (let target = 0; target < 10_000; target++) {
      const track = tracks.begin(`http://h/${target}`, "http://h", target, noSums)
      assert.notInclude(underWay, track)
      all.add(track)
      underWay.push(track)
      if (underWay.length < 150) continue
      const first = underWay.shift()!
      assert.strictEqual(first.finish(target, {}).startMs, target - 149)
      tracks.giveBack(first)
      assert.deepStrictEqual([first.url, first.group], ["", ""])
    }
    assert.strictEqual(all.size, 150)
  })

  it("knows those under way in the order in which they began, whichever was used before", () => {
    const tracks = new Tracks(() => {})
    const begin = (url: string, atMs: number) => tracks.begin(url, "http://h", atMs, noSums)
    const [first, second] = [begin("a", 0), begin("b", 1)]
    begin("c", 2)
    for (const ended of [second, first]) tracks.giveBack(ended.finish(3, {}))
    begin("d", 4)
    begin("e", 5)
    assert.deepStrictEqual(
      tracks.underWay().map(({ url }) => url),
      ["c", "d", "e"]
    )
  })
})
