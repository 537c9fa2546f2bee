// ethers as its users call it, against chain A of a devnet on any ports.
import assert from 'node:assert/strict'
import { Contract, ContractFactory, JsonRpcProvider, NonceManager, Wallet, WebSocketProvider, isError } from 'ethers'
import { supersimL1, supersimL2A } from '@eth-optimism/viem/chains'
import { counter, derived, l1Url, l2Url, l2WsUrl, portal, privateKey, run, stranger, until, within } from './scene.mjs'

const options = { pollingInterval: 200, cacheTimeout: -1 }
const l1 = new JsonRpcProvider(l1Url, undefined, options)
const l2 = new JsonRpcProvider(l2Url, undefined, options)
const l2Ws = new WebSocketProvider(l2WsUrl)
const address = new Wallet(privateKey).address
const l1Wallet = new NonceManager(new Wallet(privateKey, l1))
const l2Wallet = new NonceManager(new Wallet(privateKey, l2))
const portalAbi = ['function depositTransaction(address to, uint256 value, uint64 gasLimit, bool isCreation, bytes data) payable']

let contract
let added

await run({
  'chain ids are those of the chain definitions': async () => {
    assert.equal((await l1.getNetwork()).chainId, BigInt(supersimL1.id))
    assert.equal((await l2.getNetwork()).chainId, BigInt(supersimL2A.id))
  },
  'a transfer arrives': async () => {
    const receipt = await (await l2Wallet.sendTransaction({ to: stranger, value: 12_345n })).wait()
    assert.equal(receipt.status, 1)
    assert.equal(await l2.getBalance(stranger), 12_345n)
  },
  'a contract is deployed': async () => {
    contract = await new ContractFactory(counter.abi, counter.bytecode, l2Wallet).deploy(7n)
    await contract.waitForDeployment()
    assert.equal(await contract.count(), 7n)
  },
  'a watched event comes over the web socket': async () => {
    const watched = new Contract(await contract.getAddress(), counter.abi, l2Ws)
    const event = new Promise((resolve) => watched.once('Counted', (by, count, log) => resolve({ by, count, log })))
    // The subscription stands once it is answered.
    await l2Ws.getBlockNumber()
    assert.equal(await contract.add.staticCall(5n), 12n)
    added = await (await contract.add(5n)).wait()
    const { by, count, log } = await within('the event', event)
    assert.deepEqual([by, count, log.log.transactionHash], [address, 12n, added.hash])
  },
  'blocks are watched': async () => {
    const block = new Promise((resolve) => l2Ws.once('block', resolve))
    await l2Ws.getBlockNumber()
    await (await l2Wallet.sendTransaction({ to: stranger, value: 1n })).wait()
    const number = await within('a block', block)
    assert.equal((await l2.getBlock(number)).number, number)
  },
  'logs are found by their filter': async () => {
    const logs = await contract.queryFilter(contract.filters.Counted(address), 0)
    assert.deepEqual(logs.map((it) => it.args.count), [12n])
  },
  'a custom error is decoded': async () => {
    const error = await contract.add.staticCall(101n).then(() => null, (reason) => reason)
    assert.ok(isError(error, 'CALL_EXCEPTION'))
    assert.equal(error.revert.name, 'TooMuch')
    assert.deepEqual([...error.revert.args], [101n, 100n])
  },
  'a transaction is traced': async () => {
    const trace = await l2.send('debug_traceTransaction', [added.hash, {}])
    assert.equal(trace.failed, false)
    assert.equal(BigInt(`0x${trace.returnValue.replace(/^0x/, '')}`), 12n)
    if (derived) assert.ok(trace.structLogs.length > 50 && trace.structLogs[0].op === 'PUSH1')
  },
  'ether deposited through the portal arrives': async () => {
    const to = `0x${(BigInt(stranger) + 1n).toString(16).padStart(40, '0')}`
    const contract = new Contract(portal, portalAbi, l1Wallet)
    const receipt = await (await contract.depositTransaction(to, 99n, 100_000n, false, '0x', { value: 99n })).wait()
    assert.equal(receipt.status, 1)
    await until('the deposit on L2', async () => (await l2.getBalance(to)) === 99n)
  },
})
