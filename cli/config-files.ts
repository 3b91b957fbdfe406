import { Option } from 'commander'
import { type ParseResult, readConfig } from '../lib/config/index.js'
import { XdplbError } from '../lib/errors.js'

const DEFAULT_FILE = '/etc/keepalived/keepalived.conf'

/** `-f FILE`, once or more. */
export function fileOption(): Option {
  return new Option('-f, --file <file...>', 'what to read; several are read as one, in order').default(
    [DEFAULT_FILE],
    DEFAULT_FILE,
  )
}

/** What the files say. A file that cannot be read is a fault of the command line: `USAGE`. */
export async function readFiles(files: readonly string[]): Promise<ParseResult> {
  try {
    return await readConfig(files)
  } catch (cause) {
    if (!(cause instanceof XdplbError)) throw cause
    throw new XdplbError('USAGE', cause.message, { cause })
  }
}
