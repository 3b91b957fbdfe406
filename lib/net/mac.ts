/** An Ethernet address in its usual text, `02:00:00:0a:00:47`: lower case, two digits a byte. */
export type Mac = string & { readonly __mac: unique symbol }

const SIZE = 6

/** Is this text an Ethernet address as the kernel prints it? */
export function isMac(text: string): text is Mac {
  return /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(text)
}

/** The Ethernet address in six bytes; undefined for the link-layer address of another medium (a tunnel, InfiniBand). */
export function macFromBytes(bytes: Uint8Array): Mac | undefined {
  if (bytes.length !== SIZE) return undefined
  return Array.from(bytes, byte => byte.toString(16).padStart(2, '0')).join(':') as Mac
}

/** The six bytes, as they stand in a frame. */
export function macBytes(mac: Mac): Uint8Array {
  return Uint8Array.from(mac.split(':'), hex => Number.parseInt(hex, 16))
}
