/** Light, dark, or as the system says; kept for the next visit where the browser allows. */
export type Theme = "system" | "light" | "dark"

export const words: Readonly<Record<Theme, string>> = {
  system: "Theme: system",
  light: "Theme: light",
  dark: "Theme: dark"
}

const key = "simul-theme"
const order: ReadonlyArray<Theme> = ["system", "light", "dark"]

const apply = (theme: Theme): Theme => {
  document.documentElement.dataset["theme"] = theme
  return theme
}

export const read = (): Theme => {
  try {
    return apply(order.find((one) => one === localStorage.getItem(key)) ?? "system")
  } catch {
    return apply("system")
  }
}

export const next = (theme: Theme): Theme => {
  const following = order[(order.indexOf(theme) + 1) % order.length]!
  try {
    localStorage.setItem(key, following)
  } catch {
    // it lasts for this visit then
  }
  return apply(following)
}
