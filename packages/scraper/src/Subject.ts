/** What a stage is called for, as far as a recorder of the run needs to know it again. */
export interface Subject {
  readonly url: string
  /** What the recorder knows of it, for the recorder alone. Copies of a target carry it on. */
  readonly recorded?: object
}
