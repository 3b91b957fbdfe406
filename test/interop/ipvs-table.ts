/** A line of `ipvsadm -Lnc`. */
export interface Connection {
  readonly protocol: string
  readonly secondsLeft: number
  readonly state: string
  readonly client: string
  readonly virtual: string
  readonly real: string
}

/** What a real has been sent, as `ipvsadm -Ln --stats --exact` has it. */
export interface RealTraffic {
  readonly connections: number
  readonly packets: number
  readonly bytes: number
}

/** The connections and templates that `ipvsadm -Lnc` lists, sorted. */
export function parseConnections(listing: string): Connection[] {
  const lines = listing.split('\n').slice(2)
  return sortConnections(
    lines.flatMap(line => {
      const [protocol, left, state, client, virtual, real] = line.split(/\s+/)
      if (!protocol || !left || !state || !client || !virtual || !real) return []
      const [minutes = 0, seconds = 0] = left.split(':').map(Number)
      return [{ protocol, secondsLeft: minutes * 60 + seconds, state, client, virtual, real }]
    }),
  )
}

export function sortConnections(connections: readonly Connection[]): Connection[] {
  const key = ({ protocol, client, virtual }: Connection) => `${protocol} ${client} ${virtual}`
  return connections.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** By real (`10.0.0.71:80`), from a listing with one service. */
export function parseTraffic(listing: string): Map<string, RealTraffic> {
  const reals = [...listing.matchAll(/^ {2}-> (\S+:\d+) +(\d+) +(\d+) +\d+ +(\d+)/gm)]
  return new Map(
    reals.map(([, real = '', connections, packets, bytes]) => [
      real,
      { connections: Number(connections), packets: Number(packets), bytes: Number(bytes) },
    ]),
  )
}
