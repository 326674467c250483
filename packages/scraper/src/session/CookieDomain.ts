/** Whether a host has no name, as `http://./` has none: its cookies would go to every host that ends with a dot. */
export const isNameless = (host: string): boolean => /^\.*$/.test(host)
