/**
 * Typed records from pages: selectors say where a value stands (`Selector.ts`),
 * schemas of Effect what it must be.
 *
 * ```ts
 * const Product = Extraction.make({
 *   name: "h1",
 *   price: Extraction.field(".price", Schema.FiniteFromString),
 *   image: Extraction.optional("img.main@src"),
 *   offers: Extraction.each(".offer", { seller: ".seller", stock: Extraction.field("@data-stock", Schema.FiniteFromString) })
 * })
 * type Product = Extraction.RecordOf<typeof Product>
 * ```
 *
 * 1. A field is a text, with `[]` a list of texts, or what its schema decodes
 *    them to. What is not there is an error, unless the field is `optional`:
 *    then it is `null`. An empty list is a list.
 * 2. A page gives all of its records or the errors of all of its fields.
 * 3. An extraction decodes with the Effect it was made with, so it may come from
 *    a program with a copy of its own.
 */
import type { Element } from "domhandler"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as SchemaAST from "effect/SchemaAST"
import type { Page } from "./Page.ts"
import { nameOf } from "./Page.ts"
import * as Selector from "./Selector.ts"

/** A schema that another copy of effect made: decoded here it would lose its values. */
export class ForeignSchema extends Schema.TaggedError<ForeignSchema>()("ForeignSchema", { selector: Schema.String }) {
  override get message() {
    return `the schema of "${this.selector}" is of another copy of effect than the one that is to decode it`
  }
}

/** A part of an extraction that is not what it must be. */
export class DefinitionError extends Schema.TaggedError<DefinitionError>()("DefinitionError", {
  /** The name of a field, a selector, or `pages`. */
  part: Schema.String,
  detail: Schema.String
}) {
  override get message() {
    return `${JSON.stringify(this.part)}: ${this.detail}`
  }
}

/** What all schemas of this copy inherit from: the class of their nodes, which effect does not export. */
const node = Object.getPrototypeOf(Object.getPrototypeOf(Schema.String.ast)) as object

const partsOf = (ast: SchemaAST.AST): ReadonlyArray<SchemaAST.AST> => {
  switch (ast._tag) {
    case "Declaration":
      return ast.typeParameters
    case "TemplateLiteral":
      return ast.parts
    case "Arrays":
      return [...ast.elements, ...ast.rest]
    case "Objects":
      return [
        ...ast.propertySignatures.map(({ type }) => type),
        ...ast.indexSignatures.flatMap(({ parameter, type }) => [parameter, type])
      ]
    case "Union":
      return ast.types
    default:
      return []
  }
}

/** Whether all that a schema is made of is of this copy; what it suspends may not be there yet, and is not looked at. */
const isOwn = (ast: SchemaAST.AST): boolean =>
  Object.prototype.isPrototypeOf.call(node, ast) &&
  partsOf(ast).every(isOwn) &&
  (ast.encoding ?? []).every(({ to }) => isOwn(to))

/** A field of a page that has not what it should have. */
export class FieldError extends Schema.TaggedError<FieldError>()("FieldError", {
  /** URL or file. */
  page: Schema.String,
  /** With those around it: `offers.seller`. */
  field: Schema.String,
  selector: Schema.String,
  /** What stands there; `null` where nothing matches. */
  found: Schema.Union([Schema.Null, Schema.String, Schema.Array(Schema.String)]),
  detail: Schema.String
}) {
  override get message() {
    const found = this.found === null ? "" : `, found ${shortened(JSON.stringify(this.found))}`
    return `${this.field} (${this.selector}): ${this.detail}${found}`
  }
}

/** Why a page gave no records. */
export class ExtractionError extends Schema.TaggedError<ExtractionError>()("ExtractionError", {
  page: Schema.String,
  errors: Schema.NonEmptyArray(FieldError)
}) {
  override get message() {
    const [first, ...others] = this.errors
    return `${first.message}${others.length === 0 ? "" : ` (and ${others.length} more)`}`
  }
}

const shortened = (text: string): string => (text.length > 120 ? `${text.slice(0, 119)}…` : text)

/** What a value is in a column of a table; `json` for all that is no text, number or truth. */
export type Kind = "text" | "number" | "boolean" | "json"

/** What a field found, and what it makes of it. */
interface Found {
  readonly value: unknown
  /** Something matched. */
  readonly present: boolean
}

/** A field of a record. Make one with `field`, `optional` or `each`. */
export interface Field<out A> {
  readonly "~simul/extract/Field": A
  readonly selector: string
  readonly kind: Kind
  /** Its fields, where it is a list of records. */
  readonly fields?: Readonly<Record<string, Field<unknown>>>
  /** Errors are told to `fail`, the value is then of no meaning. */
  readonly read: (page: Page, scope: Element | undefined, path: string, fail: (error: FieldError) => void) => Found
}

/** A selector, where the text itself is wanted, or a field. */
export type FieldInput = string | Field<any>
/** The fields of a record by their names. */
export type Fields = { readonly [name: string]: FieldInput }

/** What a selector gives: with `[]` a list. */
export type Selected<S extends string> = S extends `${string}[]` ? ReadonlyArray<string> : string

/** What a field gives. */
export type Value<F> = F extends string ? Selected<F> : F extends Field<infer A> ? A : never
/** The record that fields give. */
export type Values<F extends Fields> = { readonly [K in keyof F]: Value<F[K]> }

const none: never = undefined as never

const kindOf = (ast: SchemaAST.AST): Kind => {
  switch (ast._tag) {
    case "String":
    case "TemplateLiteral":
      return "text"
    case "Number":
      return "number"
    case "Boolean":
      return "boolean"
    case "Literal":
      return typeof ast.literal === "string" ? "text" : typeof ast.literal === "number" ? "number" : "json"
    case "Union": {
      const kinds = new Set(ast.types.filter(({ _tag }) => _tag !== "Null" && _tag !== "Undefined").map(kindOf))
      return kinds.size === 1 ? [...kinds][0]! : "json"
    }
    default:
      return "json"
  }
}

/** Whether a schema, by what it decodes, takes nothing that a selector finds: a text, or with `[]` a list. */
const isUnfit = (encoded: SchemaAST.AST, many: boolean): boolean => {
  switch (encoded._tag) {
    case "Number":
    case "Boolean":
    case "BigInt":
      return true
    case "String":
      return many
    case "Arrays":
    case "Objects":
      return !many
    case "Union":
      return encoded.types.every((type) => type._tag === "Null" || isUnfit(type, many))
    default:
      return false
  }
}

/**
 * What a selector finds, decoded: a schema from a text, for a selector with `[]` from a list of texts. Throws
 * `SelectorError` where the selector is none, `ForeignSchema`, and `DefinitionError` where the schema is none or
 * of something else: those are mistakes of the program.
 */
export const field = <const S extends string, A>(selector: S, schema: Schema.Codec<A, Selected<S>>): Field<A> => {
  const parsed = Selector.make(selector)
  const fail = (detail: string): never => {
    throw new DefinitionError({ part: selector, detail })
  }
  if ((schema as Partial<typeof schema> | undefined)?.ast === undefined)
    return fail("expected a schema, as Schema.FiniteFromString")
  if (!isOwn(schema.ast)) throw new ForeignSchema({ selector })
  if (isUnfit(Schema.toEncoded(schema).ast, parsed.many))
    return fail(
      parsed.many
        ? "expected a schema that reads a list of texts, as Schema.Array(Schema.String) does"
        : "expected a schema that reads a text, as Schema.String and Schema.FiniteFromString do"
    )
  const decode = Schema.decodeUnknownResult(schema)
  return {
    "~simul/extract/Field": none,
    selector,
    kind: kindOf(Schema.toType(schema).ast),
    read: (page, scope, path, fail) => {
      const found = Selector.select(parsed, page, scope)
      const wrong = (detail: string): Found => {
        fail(new FieldError({ page: nameOf(page), field: path, selector, found, detail }))
        return { value: null, present: found !== null }
      }
      if (found === null) return wrong("nothing matches")
      const decoded = decode(found)
      if (Result.isFailure(decoded)) return wrong(lowerFirst(decoded.failure.message))
      return { value: decoded.success, present: !Array.isArray(found) || found.length > 0 }
    }
  }
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1).replace(/\s+/g, " ")

const isField = (input: unknown): input is Field<unknown> =>
  typeof input === "object" && input !== null && "~simul/extract/Field" in input

const toField = (input: FieldInput, part: string): Field<unknown> => {
  if (isField(input)) return input
  if (typeof input !== "string")
    throw new DefinitionError({ part, detail: "expected a selector, or what field, optional or each make" })
  const { many } = Selector.make(input)
  return many ? field(input, Schema.Array(Schema.String) as never) : field(input, Schema.String as never)
}

const toFields = (fields: Fields, part: string): Readonly<Record<string, Field<unknown>>> => {
  if (typeof fields !== "object" || fields === null)
    throw new DefinitionError({ part, detail: "expected fields by their names" })
  return Object.fromEntries(Object.entries(fields).map(([name, input]) => [name, toField(input, name)]))
}

/** The field, or `null` where nothing matches. What is there and wrong stays an error. */
export const optional = <const F extends FieldInput>(input: F, schema?: never): Field<Value<F> | null> => {
  if (schema !== undefined)
    throw new DefinitionError({
      part: "optional",
      detail: "a schema belongs in optional(field(selector, schema))"
    })
  const inner = toField(input, "optional")
  return {
    ...inner,
    "~simul/extract/Field": none,
    read: (page, scope, path, fail) => {
      let absent = false
      const found = inner.read(page, scope, path, (error) => {
        if (error.field === path && error.found === null) absent = true
        else fail(error)
      })
      return absent ? { value: null, present: false } : found
    }
  }
}

const readRecord = (
  fields: Readonly<Record<string, Field<unknown>>>,
  page: Page,
  scope: Element | undefined,
  path: string,
  fail: (error: FieldError) => void,
  seen: (field: string) => void
): Readonly<Record<string, unknown>> => {
  const record: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(fields)) {
    const { value, present } = field.read(page, scope, `${path}${name}`, fail)
    // not by assignment: a field may be called `__proto__`
    Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true })
    if (present) seen(name)
  }
  return record
}

/** A record for each element that the CSS matches; selectors of its fields look within it. No match: an empty list. */
export const each = <const F extends Fields>(css: string, fields: F): Field<ReadonlyArray<Values<F>>> => {
  const within = Selector.make(css)
  const inner = toFields(fields, css)
  return {
    "~simul/extract/Field": none,
    selector: css,
    kind: "json",
    fields: inner,
    read: (page, scope, path, fail) => {
      const elements = within.find(page, scope)
      return {
        value: elements.map((element) => readRecord(inner, page, element, `${path}.`, fail, () => {})),
        present: elements.length > 0
      }
    }
  }
}

/** Which pages give records, and how many each. */
export interface Options {
  /** CSS: a record for each element that matches, and not one for the page. A page where none does is an error. */
  readonly each?: string
  /** Only of pages whose URL (or else file) matches; the others give no records. */
  readonly pages?: RegExp
}

/** What a page gave. */
export interface Evaluation<A> {
  readonly records: ReadonlyArray<A>
  /** Fields of the top that found something, in one record at least. */
  readonly found: ReadonlySet<string>
  readonly errors: ReadonlyArray<FieldError>
}

/** Where records come from; see `make`. */
export interface Extraction<out A> {
  readonly "~simul/extract/Extraction": A
  readonly fields: Readonly<Record<string, Field<unknown>>>
  readonly options: Options
  /** Whether it is for this page. */
  readonly covers: (page: { readonly url?: string | undefined; readonly path?: string | undefined }) => boolean
  /** All that can be said of a page, errors beside records. */
  readonly evaluate: (page: Page) => Evaluation<A>
}

/** The type of an extraction's records. */
export type RecordOf<E> = E extends Extraction<infer A> ? A : never

/** An extraction of these fields. Throws `SelectorError` where a selector is none, `DefinitionError` where a field is. */
export const make = <const F extends Fields>(fields: F, options: Options = {}): Extraction<Values<F>> => {
  const inner = toFields(fields, "make")
  const whole = options.each === undefined ? undefined : Selector.make(options.each)
  const { pages } = options
  if (pages !== undefined && typeof (pages as Partial<RegExp> | null)?.source !== "string")
    throw new DefinitionError({ part: "pages", detail: "expected a regular expression, as /list/" })
  return {
    "~simul/extract/Extraction": none,
    fields: inner,
    options,
    covers: (page) =>
      pages === undefined || new RegExp(pages.source, pages.flags.replace(/[gy]/g, "")).test(nameOf(page)),
    evaluate: (page) => {
      const errors: Array<FieldError> = []
      const found = new Set<string>()
      const scopes = whole === undefined ? [undefined] : whole.find(page)
      if (scopes.length === 0) {
        const [selector, detail] = [options.each!, "nothing matches"]
        errors.push(new FieldError({ page: nameOf(page), field: "each", selector, found: null, detail }))
      }
      const records = scopes.map((scope) =>
        readRecord(
          inner,
          page,
          scope,
          "",
          (error) => errors.push(error),
          (name) => found.add(name)
        )
      )
      return { records: records as ReadonlyArray<unknown> as ReadonlyArray<Values<F>>, found, errors }
    }
  }
}

/** The records of a page: one, or with `each` as many as match. Fails with the errors of all fields. */
export const records = <A>(extraction: Extraction<A>, page: Page): Result.Result<ReadonlyArray<A>, ExtractionError> => {
  const { records, errors } = extraction.evaluate(page)
  const [first, ...others] = errors
  return first === undefined
    ? Result.succeed(records)
    : Result.fail(new ExtractionError({ page: nameOf(page), errors: [first, ...others] }))
}

/** Whether a value is an extraction, also one that another copy of this package made. */
export const isExtraction = (value: unknown): value is Extraction<unknown> =>
  typeof value === "object" && value !== null && "~simul/extract/Extraction" in value
