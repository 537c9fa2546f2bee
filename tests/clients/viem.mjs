// viem and @eth-optimism/viem as their users call them, against chain A of a devnet on any ports.
import assert from 'node:assert/strict'
import { BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, http, parseEther, webSocket } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { getL2TransactionHashes, publicActionsL1, publicActionsL2, walletActionsL1 } from 'viem/op-stack'
import { depositCrossDomainMessage } from '@eth-optimism/viem/actions'
import { supersimL1, supersimL2A } from '@eth-optimism/viem/chains'
import { counter, derived, l1Url, l2Url, l2WsUrl, messenger, portal, privateKey, run, stranger, until, within } from './scene.mjs'

const account = privateKeyToAccount(privateKey)
const l1 = createPublicClient({ chain: supersimL1, transport: http(l1Url), pollingInterval: 200 }).extend(publicActionsL1())
const l1Wallet = createWalletClient({ account, chain: supersimL1, transport: http(l1Url) }).extend(walletActionsL1())
const l2 = createPublicClient({ chain: supersimL2A, transport: http(l2Url), pollingInterval: 200 }).extend(publicActionsL2())
const l2Wallet = createWalletClient({ account, chain: supersimL2A, transport: http(l2Url) })
const l2Ws = createPublicClient({ chain: supersimL2A, transport: webSocket(l2WsUrl) })

let contract
let added
const receipt = (client, hash) => client.waitForTransactionReceipt({ hash })
const succeeded = async (client, hash) => {
  const found = await receipt(client, hash)
  assert.equal(found.status, 'success')
  return found
}

await run({
  'chain ids are those of the chain definitions': async () => {
    assert.equal(await l1.getChainId(), supersimL1.id)
    assert.equal(await l2.getChainId(), supersimL2A.id)
  },
  'a transfer arrives': async () => {
    const hash = await l2Wallet.sendTransaction({ to: stranger, value: 12_345n })
    const found = await succeeded(l2, hash)
    assert.equal(found.gasUsed, 21_000n)
    assert.equal(await l2.getBalance({ address: stranger }), 12_345n)
    const transaction = await l2.getTransaction({ hash })
    assert.equal(transaction.value, 12_345n)
    assert.equal(transaction.blockHash, found.blockHash)
  },
  'a contract is deployed': async () => {
    const hash = await l2Wallet.deployContract({ abi: counter.abi, bytecode: counter.bytecode, args: [7n] })
    contract = { address: (await succeeded(l2, hash)).contractAddress, abi: counter.abi }
    assert.equal(await l2.readContract({ ...contract, functionName: 'count' }), 7n)
  },
  'a watched event comes over the web socket': async () => {
    let stop
    const event = new Promise((resolve, reject) => {
      stop = l2Ws.watchContractEvent({ ...contract, eventName: 'Counted', onLogs: (logs) => resolve(logs[0]), onError: reject })
    })
    const { request, result } = await l2.simulateContract({ ...contract, account, functionName: 'add', args: [5n] })
    assert.equal(result, 12n)
    added = await l2Wallet.writeContract(request)
    const log = await within('the event', event)
    stop()
    assert.equal(log.args.count, 12n)
    assert.equal(log.args.by, account.address)
    assert.equal(log.transactionHash, added)
  },
  'watched blocks come one after the other': async () => {
    let stop
    const blocks = await within('three blocks', new Promise((resolve, reject) => {
      const seen = []
      stop = l2Ws.watchBlocks({ onBlock: (block) => seen.push(block) === 3 && resolve(seen), onError: reject })
      // A chain that makes blocks only for transactions makes them now.
      void (async () => {
        for (let count = 0; count < 4; count++) await receipt(l2, await l2Wallet.sendTransaction({ to: stranger, value: 1n }))
      })().catch(reject)
    }))
    stop()
    for (const [index, block] of blocks.slice(1).entries()) assert.equal(block.parentHash, blocks[index].hash)
  },
  'logs are found by their filter': async () => {
    const logs = await l2.getContractEvents({ ...contract, eventName: 'Counted', fromBlock: 0n, args: { by: account.address } })
    assert.deepEqual(logs.map((it) => it.args.count), [12n])
  },
  'a custom error is decoded': async () => {
    const call = l2.simulateContract({ ...contract, account, functionName: 'add', args: [101n] })
    const error = await call.then(() => null, (reason) => reason)
    assert.ok(error instanceof BaseError)
    const reverted = error.walk((it) => it instanceof ContractFunctionRevertedError)
    assert.equal(reverted?.data?.errorName, 'TooMuch')
    assert.deepEqual(reverted.data.args, [101n, 100n])
  },
  'a transaction is traced': async () => {
    const trace = await l2.request({ method: 'debug_traceTransaction', params: [added, { tracer: 'callTracer' }] })
    assert.equal(trace.to, contract.address.toLowerCase())
    assert.equal(BigInt(trace.output), 12n)
  },
  'gas and fees are estimated': async () => {
    const gas = await l2.estimateContractGas({ ...contract, account, functionName: 'add', args: [1n] })
    assert.ok(gas > 21_000n && gas < 100_000n, `${gas}`)
    const { maxFeePerGas, maxPriorityFeePerGas } = await l2.estimateFeesPerGas()
    assert.ok(maxFeePerGas >= maxPriorityFeePerGas)
    const history = await l2.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] })
    assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
  },
  'storage is proved': async () => {
    const proof = await l2.getProof({ address: contract.address, storageKeys: [`0x${'0'.repeat(64)}`] })
    assert.equal(proof.storageProof[0].value, 12n)
  },
  'the L1 fee is told': async () => {
    const fee = await l2.estimateL1Fee({ account, to: stranger, value: 1n })
    // Without derivation nobody tells the L2 what its L1 costs.
    if (derived) assert.ok(fee > 0n && (await l2.getL1BaseFee()) > 0n)
  },
  'ether deposited through the portal arrives': async () => {
    const to = `0x${(BigInt(stranger) + 1n).toString(16).padStart(40, '0')}`
    const request = await l2.buildDepositTransaction({ account, mint: parseEther('1'), to })
    const onL1 = await succeeded(l1, await l1Wallet.depositTransaction({ ...request, portalAddress: portal }))
    const [hash] = getL2TransactionHashes({ logs: onL1.logs })
    const onL2 = await until('the deposit on L2', () => l2.getTransactionReceipt({ hash }).catch(() => null))
    assert.equal(onL2.status, 'success')
    assert.equal(await l2.getBalance({ address: to }), parseEther('1'))
    assert.equal((await l2.getTransaction({ hash })).typeHex, '0x7e')
  },
  'a message deposited through the messenger is relayed': async () => {
    const to = `0x${(BigInt(stranger) + 2n).toString(16).padStart(40, '0')}`
    const hash = await depositCrossDomainMessage(l1Wallet, {
      account, target: to, message: '0x', value: 77n, minGasLimit: 100_000n,
      targetChain: supersimL2A, l1CrossDomainMessengerAddress: messenger,
    })
    const onL1 = await succeeded(l1, hash)
    const [onL2] = getL2TransactionHashes({ logs: onL1.logs })
    await until('the message on L2', () => l2.getTransactionReceipt({ hash: onL2 }).catch(() => null))
    assert.equal(await l2.getBalance({ address: to }), 77n)
  },
})
