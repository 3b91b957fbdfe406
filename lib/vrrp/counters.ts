/** What an instance has received, under the names that keepalived's statistics give it. */
export const noneReceived = {
  /** advert_rcvd: adverts that were accepted. */
  adverts: 0,
  /** pri_zero_rcvd: those of them that gave the addresses up. */
  priorityZero: 0,
  /** packet_len_err */
  lengthErrors: 0,
  /** ip_ttl_err */
  ttlErrors: 0,
  /** vers_err */
  versionErrors: 0,
  /** invalid_authtype: a type that there is not. */
  invalidAuthenticationTypes: 0,
  /** authtype_mismatch: another type than ours. */
  authenticationMismatches: 0,
  /** auth_failure: another password than ours. */
  authenticationFailures: 0,
  /** advert_interval_err */
  intervalErrors: 0,
  /** invalid_type_rcvd */
  typeErrors: 0,
  /** chk_err */
  checksumErrors: 0,
  /** addr_list_err */
  addressListErrors: 0,
} as const satisfies Record<string, number>

export type Counter = keyof typeof noneReceived
export type Counters = Readonly<Record<Counter, number>>
