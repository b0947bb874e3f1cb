/** What the topology asks of the outside: the country of a user. */
export interface UserService {
  /**
   * @returns undefined: there is no such user
   * @throws Error the service could not answer this time; AbortError as `signal` says
   */
  countryOf(user: string, signal: AbortSignal): Promise<string | undefined>
}

const COUNTRIES = ['NL', 'PT', 'KE', 'JP', 'BR'] as const
const LATENCY_MS = 15

/**
 * A service in this process that behaves like one far away: it takes its time, and every ninth call it fails.
 */
export class SlowService implements UserService {
  openCount = 0
  openCountMax = 0
  private askedCount = 0

  async countryOf(user: string, signal: AbortSignal): Promise<string | undefined> {
    signal.throwIfAborted()
    this.askedCount += 1
    const isUnlucky = this.askedCount % 9 === 0
    this.openCount += 1
    this.openCountMax = Math.max(this.openCountMax, this.openCount)
    // Answers overtake each other: the waits differ.
    const waitMs = LATENCY_MS * (1 + (this.askedCount % 5))
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    this.openCount -= 1
    if (isUnlucky) throw new Error('service unavailable')
    const number = Number(user.slice(1))
    return number === 13 ? undefined : COUNTRIES[number % COUNTRIES.length]
  }
}
