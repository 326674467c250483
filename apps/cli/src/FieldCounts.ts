/**
 * How an extraction fares on many pages, as a fold: for each field on how many
 * of them it gave a value, was missing though it may be, or was wrong.
 */
import type * as Extraction from "@simul/scraper/extract/Extraction"
import type { Page } from "@simul/scraper/extract/Page"

export interface FieldCount {
  readonly field: string
  readonly selector: string
  /** Pages on which some record had a value and none was wrong. */
  value: number
  /** Pages on which nothing was found, and nothing need be. */
  missing: number
  /** Pages on which it was wrong in some record. */
  failed: number
  /** The first page where it failed, and how. */
  example?: Extraction.FieldError
}

interface Fold {
  readonly add: (page: Page) => void
  readonly fields: ReadonlyArray<FieldCount>
}

export const make = (extraction: Extraction.Extraction<unknown>): Fold => {
  const counts = new Map(
    Object.entries(extraction.fields).map(([field, { selector }]): [string, FieldCount] => [
      field,
      { field, selector, value: 0, missing: 0, failed: 0 }
    ])
  )
  const { each } = extraction.options
  // that no record is there at all is told as the fault of a field of its own
  const records: FieldCount | undefined =
    each === undefined ? undefined : { field: "each", selector: each, value: 0, missing: 0, failed: 0 }
  return {
    fields: [...(records === undefined ? [] : [records]), ...counts.values()],
    add: (page) => {
      const { found, errors, records: made } = extraction.evaluate(page)
      const count = (row: FieldCount, error: Extraction.FieldError | undefined, present: boolean) => {
        if (error !== undefined) {
          row.failed += 1
          row.example ??= error
        } else if (present) row.value += 1
        else row.missing += 1
      }
      if (records !== undefined) {
        count(records, made.length === 0 ? errors[0] : undefined, true)
        if (made.length === 0) return
      }
      for (const row of counts.values()) {
        const error = errors.find(({ field }) => field === row.field || field.startsWith(`${row.field}.`))
        count(row, error, found.has(row.field))
      }
    }
  }
}
