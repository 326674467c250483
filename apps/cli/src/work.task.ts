/** The tasks of `simul race`, for its workers. */
export * from "@simul/core/scenario/work.task"
