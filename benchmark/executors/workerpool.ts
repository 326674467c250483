/** workerpool's workers register what they offer. */
import workerpool from "workerpool"
import * as tasks from "./trivial.task.ts"

workerpool.worker({ ...tasks })
