const ADVERT_MS = 1000
const MISSED_ADVERTS = 3

/** Skew time of the seed's backup, priority 100: RFC 3768 §6.1. So soon it takes over from a master that says farewell. */
export const SKEW_MS = (156 / 256) * 1000
/** The longest that the seed's backup waits for an advert. */
export const DOWN_MS = MISSED_ADVERTS * ADVERT_MS + SKEW_MS
/** The soonest that it takes over from a master that falls silent: the next advert was about to come. */
export const SOONEST_MS = DOWN_MS - ADVERT_MS
/** Longer than the protocol asks for, a takeover may take so much. */
export const SLACK_MS = 200
