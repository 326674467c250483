export const never = (): number => 1
throw new Error("this module does not load")
