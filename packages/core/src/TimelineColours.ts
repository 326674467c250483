/** What the categories of a timeline are filled with, on a page and in what is kept of a run. */

/** Fills by light and dark; dark text is readable on all of them. Waiting is pale, work is bright. */
const waitingColours = ["#c3c9d3", "#c5b3e6", "#eba6c0", "#e2ca90", "#eda48f", "#a9b4f0", "#9fd3c7", "#d8a3dd"]
const workingColours = [
  "#9aa5b5",
  "#b0a58f",
  "#7fa8f5",
  "#5f9cf0",
  "#45bccd",
  "#4fbf7f",
  "#a8cf5f",
  "#e3c643",
  "#f09a4a",
  "#e8795f",
  "#c78fd6"
]

/** The colour of each category, by whether it is waiting: in turn from the two rows. */
export const colours = (
  categories: ReadonlyArray<{ readonly waiting: boolean; readonly colour?: string }>
): ReadonlyArray<string> => {
  let waits = 0
  let works = 0
  return categories.map(({ waiting, colour }) =>
    // it becomes part of a style sheet
    colour !== undefined && /^#[\da-f]{6}$/i.test(colour)
      ? colour
      : waiting
        ? waitingColours[waits++ % waitingColours.length]!
        : workingColours[works++ % workingColours.length]!
  )
}
