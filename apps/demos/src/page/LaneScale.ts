/** Where the lanes and times of a run stand in its picture, in pixels. */
export interface LaneScale {
  readonly x: (ms: number) => number
  /** The middle of a lane's row. */
  readonly y: (lane: number) => number
  readonly rowHeight: number
  /** Where the axis begins, and where the picture ends. */
  readonly left: number
  readonly edge: number
}

/** Of a character of the small font, on average. */
export const charWidth = 6.3
