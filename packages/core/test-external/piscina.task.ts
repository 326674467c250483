/** The one task of the adapter: loads the file that piscina was told, and calls what it exports. */
import { pathToFileURL } from "node:url"
import { isMovable, value, workerDataKey } from "./Movable.ts"

export const run = async (
  filename: string,
  name: string,
  parameter: unknown,
  workerData: unknown
): Promise<unknown> => {
  ;(globalThis as any)[workerDataKey] = workerData
  const module: any = await import(pathToFileURL(filename).href)
  const whole = await module.default
  const task = name === "default" ? whole : (module[name] ?? whole?.[name])
  const result = await task(parameter)
  // buffers leave by themselves
  return isMovable(result) ? result[value] : result
}
