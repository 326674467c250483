/**
 * Where a body lies that is a record of an archive:
 * `simul-00000.warc.gz#1234+567` is the gzip member of 567 bytes at byte 1234.
 *
 * No name made of a URL has a `#`. A person may still name a file like that; so
 * a file that is there under the whole text comes before the record.
 */

export interface RecordLocation {
  readonly archive: string
  /** Bytes, of the compressed file. */
  readonly offset: number
  readonly length: number
}

const archiveName = /^simul-(\d{5,9})\.warc\.gz$/

/** The name of the archive with this number. */
export const nameOf = (number: number): string => `simul-${String(number).padStart(5, "0")}.warc.gz`

/** The number of an archive, `undefined` where the name is no archive's. */
export const numberOf = (name: string): number | undefined => {
  const digits = archiveName.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

export const toPath = ({ archive, offset, length }: RecordLocation): string => `${archive}#${offset}+${length}`

/** The location that a path tells; `undefined` where it is the path of a file. */
export const fromPath = (path: string): RecordLocation | undefined => {
  // as good as every file
  if (!path.includes("#")) return undefined
  const [, archive, offset, length] = /^([^/#]+)#(\d{1,15})\+(\d{1,15})$/.exec(path) ?? []
  if (archive === undefined || numberOf(archive) === undefined) return undefined
  return { archive, offset: Number(offset), length: Number(length) }
}
