// URLs to files
export * as Get from "./Get.ts"
export * as Options from "./Options.ts"
export * as RunError from "./RunError.ts"
// Models
export * as Url from "./Url.ts"
export * as Target from "./Target.ts"
export * as Outcome from "./Outcome.ts"
export * as FetchError from "./FetchError.ts"
// The stages of the line, and the line
export * as Frontier from "./Frontier.ts"
export * as Politeness from "./Politeness.ts"
export * as Session from "./Session.ts"
export * as Decode from "./Decode.ts"
export * as Sink from "./Sink.ts"
export * as Store from "./Store.ts"
export * as Report from "./Report.ts"
export * as Pipeline from "./Pipeline.ts"
