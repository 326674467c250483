/** The rules of a crawl as the store keeps them. Two runs with the same text follow the same links. */
import type { Rules } from "./Following.ts"

export const encode = (seeds: ReadonlyArray<string>, { scope, include, exclude, depth, sitemaps }: Rules): string =>
  JSON.stringify([seeds, scope, include.map(String), exclude.map(String), depth, sitemaps])

/** Reads what `encode` wrote. What is taken for a trap is no part of it: that is as by default. */
export const decode = (text: string): { readonly seeds: ReadonlyArray<string>; readonly rules: Rules } => {
  const [seeds, scope, include, exclude, depth, sitemaps] = JSON.parse(text)
  const rules = { scope, include: include.map(pattern), exclude: exclude.map(pattern), sitemaps, traps: true }
  return { seeds, rules: depth === null ? rules : { ...rules, depth } }
}

/** From `/source/flags`. */
export const pattern = (text: string): RegExp => {
  const end = text.lastIndexOf("/")
  return new RegExp(text.slice(1, end), text.slice(end + 1))
}
