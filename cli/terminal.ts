import { styleText } from 'node:util'

type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green'

/** Dresses a text for a terminal, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string

/** Colours for a terminal that shows them; none for a file or pipe, and none when $NO_COLOR is set. */
export function hasColors(stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && stream.hasColors()
}

export function paintFor(stream: NodeJS.WriteStream): Paint {
  return hasColors(stream) ? (style, text) => styleText(style, text) : (_, text) => text
}
