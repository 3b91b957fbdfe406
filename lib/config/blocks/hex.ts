import type { Codec } from '../codec.js'

/** So many digits fit on a line behind their keyword. */
const MOST_DIGITS = 960

/** Bytes as hexadecimal digits, two for each, in lower case. */
export const hexBytes: Codec<string> = hex('[\\da-f]', 'hexadecimal digits')

/** The same where `X` stands for any digit. */
export const hexPattern: Codec<string> = hex('[\\da-fX]', 'hexadecimal digits or X')

/** keepalived takes blanks between bytes, and one digit before a blank for a byte. */
function hex(digit: string, what: string): Codec<string> {
  const loose = new RegExp(`^(?:${digit}+\\s*)+$`, 'i')
  const strict = new RegExp(`^(?:${digit}{2})*$`)
  const fold = (text: string) => text.toLowerCase().replaceAll('x', 'X')
  return {
    expected: `an even number of ${what}, at most ${MOST_DIGITS}`,
    parse(word) {
      if (word.length > MOST_DIGITS || !loose.test(word)) return { problem: `Invalid hex string '${word}'` }
      const bytes = word.split(/\s+/).flatMap(part => part.match(/..?/g) ?? [])
      return { value: fold(bytes.map(byte => byte.padStart(2, '0')).join('')) }
    },
    accept: value =>
      typeof value === 'string' && value.length <= MOST_DIGITS && strict.test(value) ? value : undefined,
    print: value => value,
  }
}

/** An MD5 sum. */
export const md5: Codec<string> = {
  expected: '32 hexadecimal digits in lower case',
  parse: word =>
    /^[\da-f]{32}$/i.test(word)
      ? { value: word.toLowerCase() }
      : { problem: `digest '${word}' should be 32 hexadecimal digits` },
  accept: value => (typeof value === 'string' && /^[\da-f]{32}$/.test(value) ? value : undefined),
  print: value => value,
}
