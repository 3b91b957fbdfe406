import type { Place } from './diagnostic.js'

/** Where objects and their fields were said, for messages about what they mean together. */
export class Places {
  readonly #objects = new Map<object, Said>()

  /** @param fields those that were given */
  set(object: object, place: Place, fields: ReadonlyMap<PropertyKey, Place>): void {
    this.#objects.set(object, { place, fields })
  }

  /** The place of a field where it was given, otherwise of its object. */
  of<T extends object>(object: T, field?: keyof T): Place {
    const said = this.#objects.get(object)
    const given = field === undefined ? undefined : said?.fields.get(field)
    return given ?? said?.place ?? { file: '', line: 0, column: 0 }
  }

  isGiven<T extends object>(object: T, field: keyof T): boolean {
    return this.#objects.get(object)?.fields.has(field) ?? false
  }

  /** A changed copy stands where the original did. */
  adopt(copy: object, original: object): void {
    const said = this.#objects.get(original)
    if (said !== undefined) this.#objects.set(copy, said)
  }
}

interface Said {
  readonly place: Place
  readonly fields: ReadonlyMap<PropertyKey, Place>
}

/** The place of an option in an object that a program wrote. */
export function optionPlace(path: string): Place {
  return { file: path, line: 0, column: 0 }
}
