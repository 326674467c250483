const pieces = /(`[^`]*`|\d[\d.,]* (?:%|(?:µs|ms|s|min|h|m|B|[kKMG]i?B)(?!\w)))/

/** Text with code between backticks. A number and its unit stay on one line. */
export const Prose = ({ text }: { readonly text: string }) => (
  <>
    {text.split(pieces).map((part, index) =>
      index % 2 === 0 ? (
        part
      ) : part.startsWith("`") ? (
        <code key={index}>{part.slice(1, -1)}</code>
      ) : (
        <span key={index} class="quantity">
          {part}
        </span>
      )
    )}
  </>
)
