/** The task that costs what its way costs. */
export const nothing = (): void => {}
