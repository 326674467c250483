/**
 * The first bytes of a member of encoded data, read in pieces of any size until
 * they say what follows.
 */

/**
 * - `empty`: nothing read yet;
 * - `unsure`: what was read fits, but might be chance;
 * - `begun`: this is a member, its head goes on;
 * - `body`: the head is read;
 * - `foreign`: this is no member of the coding;
 * - `corrupt`: this is a member, and damaged.
 */
export type Verdict = "empty" | "unsure" | "begun" | "body" | "foreign" | "corrupt"

export interface Head {
  /** Reads on; returns how many bytes of `chunk` it took. Not to be called after one of the last three verdicts. */
  readonly push: (chunk: Uint8Array) => number
  readonly verdict: () => Verdict
  /** What was taken and still belongs to the body. */
  readonly replay: () => Uint8Array
}

/**
 * Looks at the first bytes, up to `length` of them, and leaves them in the body.
 * `judge` is asked after each byte; it must settle by the last.
 */
export const peek = (
  length: number,
  judge: (bytes: Uint8Array, count: number) => "unsure" | "body" | "foreign"
): Head => {
  const bytes = new Uint8Array(length)
  let count = 0
  let verdict: Verdict = "empty"
  return {
    push: (chunk) => {
      let index = 0
      do {
        bytes[count++] = chunk[index++]!
        verdict = judge(bytes, count)
      } while (index < chunk.length && verdict === "unsure")
      return index
    },
    verdict: () => verdict,
    replay: () => bytes.subarray(0, count)
  }
}
