/**
 * The characters beyond ASCII that may stand in a file name as themselves.
 *
 * They are the letters, marks, digits, punctuation and symbols of Unicode 14,
 * of the Basic Multilingual Plane, the pictographs and the Han extensions.
 * Left out is whatever is invisible, turns the direction of text, or becomes
 * ASCII punctuation when it is normalised: U+FF0F becomes a slash, U+2025 two
 * dots.
 *
 * The table is fixed on purpose. A property such as `\p{L}` grows with every
 * version of Unicode, and a file name must not change with the version of Node
 * that computes it. What is in the table was assigned long ago, and by Unicode's
 * stability policy neither its normalisation nor its case folding changes.
 */

/** Ranges, each as `gap.length` in base 36: from the end of the one before to the first, and on to the last. */
const ranges = `
4h.6 2.3 2 2.3 2.2 2.f2 7.34 2.13 4.2 2 7.4 2 2.j 2.b0 2.11 3.1d 3.2 2.1i 9.q 5.5 i.l 2.5b 2.1b 3.1m 3.2s f.1m
3.1c 3.e 2.r 3 2.a 6.u a.21 2.4g 2.7 3.1 3.l 2.6 2 4.3 3.8 3.1 3.3 9 5.1 2.4 3.o 3.2 2.5 5.1 3.l 2.6 2.1 2.1 2.1
3 2.4 5.1 3.2 4 8.3 2 8.g b.2 2.8 2.2 2.l 2.6 2.1 2.4 3.9 2.2 2.2 3 g.3 3.b 8.6 2.2 2.7 3.1 3.l 2.6 2.1 2.4 3.8
3.1 3.2 8.2 5.1 2.4 3.h b.1 2.5 4.2 2.3 4.1 2 2.1 4.1 4.2 4.b 5.4 4.2 2.3 3 7 f.k 6.c 2.2 2.m 2.f 3.8 2.2 2.3
8.1 2.2 3 3.3 3.9 8.l 2.2 2.m 2.9 2.4 3.8 2.2 2.3 8.1 7.1 2.3 3.9 2.1 e.c 2.2 2.1e 2.2 2.5 5.f 3.p 2.2 2.h 4.n
2.8 2 3.6 4 5.5 2 2.7 7.9 3.2 d.1l 5.s 12.1 2 2.4 2.n 2 2.m 3.4 2 2.5 3.9 3.3 x.1z 2.z 5.12 2.z 2.e 2.c 12.5h 2
6 3.3y 3.6f 2.3 3.6 2 2.3 3.14 2.3 3.w 2.3 3.6 2 2.3 3.e 2.1k 2.3 3.1u 3.v 4.p 7.2d 3.5 3.hr 2.r 4.2g 8.l a.n
a.j d.c 2.2 2.1 d.1f 3.13 3.9 7.9 7.a 6.9 7.2g 8.16 6.1x b.u 2.b 5.b 5 4.15 3.4 c.17 5.p 7.a 4.1p 3.1s 2.s 3.a
7.9 7.d 3.u 1e.24 4.1a 2.37 9.1n 4.e 4.1n 8.16 3.a 9.16 6.et 3.5 3.11 3.5 3.7 2 2 2 2.u 3.1g 2.6 2 4.2 2.6 4.3
3.5 5.c 6.2 2.6 k.6 2.b 4 9.b 2 2.7 4.k i.1 3.5 2 4.a 2 5.c 4.w g.w i.2 3.3o 5.5r 2.c 3.c6 q.a m.j 1v.nd 2.he
4.70 3.v 2.9o 6.18 2 6 3.1j 8.1 f.n a.6 2.6 2.6 2.6 2.6 2.6 2.6 2.6 2.3h z.p 2.2g d.5x r.b 6.1q 2.2d 3.1 3.2q
6.16 2.1e 2.15 2.2b d.f 1x.al 2.3 2.f 2.m9f 4.1i a.9n l.53 9.5m 6.1 2 2.4 p.1m 4.9 7.1j 9.1x 9.b 7.37 c.t 4.25
2.a 5.w 2.1i a.d 3.9 3.2u p.r b.5 3.5 3.5 a.6 2.6 2.1n 5.3h 3.9 7.8mb d.m 5.1c 6it.a5 3.2x 13.6 d.4 6.b 2.c 2.4
2 2.1 2.1 2.3g h.3u 7.8b 3.1h 8 x.9 3.3 i.1 5.1 8.f 2.1 7.d b 7 5.1 j 2 4 2 2 2 2.3h k.9 8.p 7.p 5.1s 2.t 4.5
3.5 3.5 3.2 4.2 2.2 2.6 1c0i.rb 6.f 4.c 4.37 d.2g 8.b 5 g.b 5.1j 9.9 7.13 9.t 3.1 27.9f d.d 3.4 4.4 4.6 a.s 4.a
6.5 b.9 7.7 9.6 zu.wyn x.37c 8.65 3.4g1 f.5rk 2e8.f1 15v.3t6`

const toPattern = () => {
  let end = 0
  const classes = ranges
    .trim()
    .split(/\s/)
    .map((range) => {
      const [gap = "", length = "0"] = range.split(".")
      const start = end + Number.parseInt(gap, 36)
      end = start + Number.parseInt(length, 36)
      return `\\u{${start.toString(16)}}-\\u{${end.toString(16)}}`
    })
  return new RegExp(`^[${classes.join("")}]$`, "u")
}

// made when it is first asked for: most runs never are
let pattern: RegExp | undefined

/** Is the text one character of the table? */
export const isPrintable = (character: string): boolean => (pattern ??= toPattern()).test(character)
