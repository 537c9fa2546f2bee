// What the JavaScript clients' scripts share: where the chains are, the contract they deploy, waiting with a bound.
// The environment tells: L1_URL, L2_URL (http; ws on the same port), PRIVATE_KEY of an account with ether on both, and
// with DERIVED=1 that the L2 is really derived from the L1 and traces every step. OTHER_PORTAL and OTHER_MESSENGER are for a devnet
// whose L1 contracts are not where its chain definition says.
import { readFileSync } from 'node:fs'
import { supersimL1, supersimL2A } from '@eth-optimism/viem/chains'

const named = (name) => {
  const value = process.env[name]
  if (!value) throw new Error(`the environment lacks ${name}`)
  return value
}

export const l1Url = named('L1_URL')
export const l2Url = named('L2_URL')
export const l2WsUrl = l2Url.replace(/^http/, 'ws')
export const derived = process.env.DERIVED === '1'
const contracts = supersimL2A.contracts
export const portal = process.env.OTHER_PORTAL ?? contracts.optimismPortal[supersimL1.id].address
export const messenger = process.env.OTHER_MESSENGER ?? contracts.l1CrossDomainMessenger[supersimL1.id].address
export const privateKey = named('PRIVATE_KEY')
export const counter = JSON.parse(readFileSync(new URL('./counter.json', import.meta.url), 'utf8'))

// A receiver that nobody else sends to.
export const stranger = '0x00000000000000000000000000000000' + Math.floor(Math.random() * 0xffffffff).toString(16).padStart(8, '0')

const limitMs = 90_000

// The promise's value, or an error that says what did not come.
export const within = (what, promise) => {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${limitMs} ms: ${what}`)), limitMs)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// What `check` gives once it gives something.
export const until = async (what, check) => {
  const end = Date.now() + limitMs
  for (;;) {
    const found = await check()
    if (found) return found
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`)
    await new Promise((next) => setTimeout(next, 200))
  }
}

// Runs the steps in order and names the one that failed; ends the process either way.
export const run = async (steps) => {
  for (const [name, step] of Object.entries(steps)) {
    try {
      await within(name, step())
      console.log(`ok: ${name}`)
    } catch (error) {
      console.error(`FAILED: ${name}:`, error)
      process.exit(1)
    }
  }
  process.exit(0)
}
