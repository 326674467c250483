/** The tasks of `simul race`, for its workers. */
export * from "@simul/core/node/work.task"
