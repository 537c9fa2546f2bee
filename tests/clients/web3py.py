"""web3.py as its users call it, against chain A of a devnet on any ports.

The environment tells: L1_URL, L2_URL (http; ws on the same port), PRIVATE_KEY, PORTAL (the L1 portal of the chain).
"""

import asyncio
import json
import os
import pathlib
import random
import sys
import time
import traceback

from eth_account import Account
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import ContractCustomError
from web3.middleware import SignAndSendRawMiddlewareBuilder

LIMIT_S = 90
PORTAL_ABI = json.loads(
    """[{"type": "function", "name": "depositTransaction", "stateMutability": "payable", "outputs": [], "inputs": [
    {"name": "to", "type": "address"}, {"name": "value", "type": "uint256"}, {"name": "gasLimit", "type": "uint64"},
    {"name": "isCreation", "type": "bool"}, {"name": "data", "type": "bytes"}]}]"""
)
COUNTER = json.loads(pathlib.Path(__file__).with_name("counter.json").read_text())
ACCOUNT = Account.from_key(os.environ["PRIVATE_KEY"])
STRANGER = Web3.to_checksum_address(f"0x{random.getrandbits(32):040x}")


def connect(url):
    web3 = Web3(Web3.HTTPProvider(url, request_kwargs={"timeout": 30}))
    web3.middleware_onion.inject(SignAndSendRawMiddlewareBuilder.build(ACCOUNT), layer=0)
    web3.eth.default_account = ACCOUNT.address
    return web3


L1 = connect(os.environ["L1_URL"])
L2 = connect(os.environ["L2_URL"])


def until(what, check):
    end = time.monotonic() + LIMIT_S
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < end, f"not within {LIMIT_S} s: {what}"
        time.sleep(0.2)


def receipt(web3, transaction):
    found = web3.eth.wait_for_transaction_receipt(transaction, timeout=LIMIT_S, poll_latency=0.2)
    assert found["status"] == 1, found
    return found


def add(contract, amount):
    return receipt(L2, contract.functions.add(amount).transact())


def a_transfer_arrives(scene):
    receipt(L2, L2.eth.send_transaction({"to": STRANGER, "value": 12_345}))
    assert L2.eth.get_balance(STRANGER) == 12_345


def a_contract_is_deployed(scene):
    factory = L2.eth.contract(abi=COUNTER["abi"], bytecode=COUNTER["bytecode"])
    address = receipt(L2, factory.constructor(7).transact())["contractAddress"]
    scene["contract"] = L2.eth.contract(address=address, abi=COUNTER["abi"])
    assert scene["contract"].functions.count().call() == 7


def a_filter_finds_what_came_since(scene):
    contract = scene["contract"]
    watched = contract.events.Counted.create_filter(from_block="latest")
    scene["added"] = add(contract, 5)
    logs = until("the filter's log", watched.get_new_entries)
    assert [(it["args"]["count"], it["args"]["by"]) for it in logs] == [(12, ACCOUNT.address)]
    assert watched.get_new_entries() == []
    assert L2.eth.uninstall_filter(watched.filter_id)


def a_block_comes_over_the_web_socket(scene):
    async def watch():
        async with AsyncWeb3(WebSocketProvider(os.environ["L2_URL"].replace("http", "ws", 1))) as web3:
            subscription = await web3.eth.subscribe("newHeads")
            send = asyncio.to_thread(add, scene["contract"], 1)
            sent = asyncio.ensure_future(send)
            async for message in web3.socket.process_subscriptions():
                assert message["subscription"] == subscription
                header = message["result"]
                break
            await sent
            block = await web3.eth.get_block(header["number"])
            assert block["hash"] == header["hash"]

    asyncio.run(asyncio.wait_for(watch(), LIMIT_S))


def a_custom_error_is_told(scene):
    try:
        scene["contract"].functions.add(101).call()
    except ContractCustomError as error:
        assert error.data.startswith(Web3.keccak(text="TooMuch(uint256,uint256)")[:4].to_0x_hex()), error.data
    else:
        raise AssertionError("the call should revert")


def a_transaction_is_traced(scene):
    request = [scene["added"]["transactionHash"].to_0x_hex(), {"tracer": "prestateTracer"}]
    answer = L2.provider.make_request("debug_traceTransaction", request)
    assert scene["contract"].address.lower() in answer["result"], answer


def a_block_is_read_with_its_transactions(scene):
    number = scene["added"]["blockNumber"]
    block = L2.eth.get_block(number, full_transactions=True)
    assert block["transactions"][-1]["hash"] == scene["added"]["transactionHash"]
    receipts = L2.eth.get_block_receipts(number)
    assert [it["transactionHash"] for it in receipts] == [it["hash"] for it in block["transactions"]]


def a_deposit_arrives(scene):
    to = Web3.to_checksum_address(f"0x{int(STRANGER, 16) + 1:040x}")
    portal = L1.eth.contract(address=os.environ["PORTAL"], abi=PORTAL_ABI)
    receipt(L1, portal.functions.depositTransaction(to, 99, 100_000, False, b"").transact({"value": 99}))
    until("the deposit on L2", lambda: L2.eth.get_balance(to) == 99)


STEPS = [
    a_transfer_arrives,
    a_contract_is_deployed,
    a_filter_finds_what_came_since,
    a_block_comes_over_the_web_socket,
    a_custom_error_is_told,
    a_transaction_is_traced,
    a_block_is_read_with_its_transactions,
    a_deposit_arrives,
]


def main():
    scene = {}
    for step in STEPS:
        try:
            step(scene)
        except Exception:
            traceback.print_exc()
            print(f"FAILED: {step.__name__}", file=sys.stderr)
            return 1
        print(f"ok: {step.__name__}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
