import { bundle } from '../tools/loader/bundle.js'

/**
 * Makes one file of tests and all that they import but koffi, tap included: an emulated machine takes minutes to find
 * and compile the files that they are otherwise, and seconds for this one. Run by node, it prints TAP.
 *
 * @param outfile in the project, for koffi is looked for from there
 */
export function bundleTests(files: readonly string[], outfile: string): Promise<void> {
  return bundle(files.map(file => `import ${JSON.stringify(file)}`).join('\n'), '/', outfile)
}
