/**
 * The order in which contenders take their turns: another one begins each round, so that nobody always comes after a
 * heavy one.
 */
export const rotate = <A>(all: ReadonlyArray<A>, round: number): ReadonlyArray<A> => {
  const first = round % all.length
  return [...all.slice(first), ...all.slice(0, first)]
}
