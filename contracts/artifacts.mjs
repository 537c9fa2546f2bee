#!/usr/bin/env node
// Writes what is checked in of the contracts: artifacts.mjs FOLDER. Called by ../scripts/contracts.sh after forge.
import { createRequire } from "node:module";
import { readFileSync, writeFileSync, mkdirSync } from "node:fs";

const { keccak256 } = createRequire(import.meta.url)("js-sha3");
const folder = process.argv[2];
const packageName = "@eth-optimism/contracts-bedrock";
const bedrock = `node_modules/${packageName}`;
const { version } = JSON.parse(readFileSync(`${bedrock}/package.json`));

const ours = ["ETHLockbox", "OptimismPortal", "SystemConfig"];
const unchanged = [
    "AddressManager", "BaseFeeVault", "DeployerWhitelist", "EAS", "GasPriceOracle", "L1Block",
    "L1BlockNumber", "L1ChugSplashProxy", "L1CrossDomainMessenger", "L1ERC721Bridge", "L1FeeVault",
    "L1StandardBridge", "L2CrossDomainMessenger", "L2ERC721Bridge", "L2StandardBridge",
    "L2ToL1MessagePasser", "LegacyMessagePasser", "OptimismMintableERC20Factory",
    "OptimismMintableERC721Factory", "Proxy", "ProxyAdmin", "ResolvedDelegateProxy",
    "SchemaRegistry", "SequencerFeeVault", "SuperchainConfig", "WETH",
];

const bytes = (hex) => Buffer.from(hex.slice(2), "hex");
const hash = (hex) => "0x" + keccak256(bytes(hex));

// One field a line: a change of the code is not a change of the interface, and shows as such.
function write(name, fields) {
    const lines = Object.entries(fields).map(([key, value]) => `${JSON.stringify(key)}: ${value}`);
    writeFileSync(`${folder}/${name}.json`, `{\n${lines.join(",\n")}\n}\n`);
}

function list(items) {
    return items.length ? `[\n  ${items.map((it) => JSON.stringify(it)).join(",\n  ")}\n]` : "[]";
}

function artifact(name, source, file) {
    const built = JSON.parse(readFileSync(file));
    const [creation, deployed] = [built.bytecode.object, built.deployedBytecode.object];
    // Names of libraries and structs carry the compiler's own numbers.
    const type = (text) => text.replace(/\)\d+/g, ")");
    const layout = (built.storageLayout?.storage ?? [])
        .map(({ label, slot, offset, type: of }) => ({ label, slot: Number(slot), offset, type: type(of) }));
    write(name, {
        name: JSON.stringify(name),
        source: JSON.stringify(source),
        bytecodeHash: JSON.stringify(hash(creation)),
        deployedBytecodeHash: JSON.stringify(hash(deployed)),
        abi: list(built.abi),
        storageLayout: list(layout),
        bytecode: JSON.stringify(creation),
        deployedBytecode: JSON.stringify(deployed),
    });
}

// Contracts that are no part of the protocol and stand on every chain of the stack.
function preinstalls() {
    const text = readFileSync(`${bedrock}/src/libraries/Preinstalls.sol`, "utf8");
    const items = [];
    for (const [, name, code] of text.matchAll(/bytes internal constant (\w+?)(?:Template)?Code =\s*hex"(\w+)"/g)) {
        const address = text.match(new RegExp(`address internal constant ${name} = (0x\\w{40});`))[1];
        items.push({ name, address: address.toLowerCase(), hash: hash("0x" + code), code: "0x" + code });
    }
    write("preinstalls", {
        source: JSON.stringify(`${packageName} ${version} src/libraries/Preinstalls.sol`),
        preinstalls: list(items),
    });
}

// Where tools look for the contracts of supersim's chains, the first of which is 901.
async function supersim() {
    const place = "node_modules/@eth-optimism/viem";
    const viem = JSON.parse(readFileSync(`${place}/package.json`));
    const sets = Object.values(await import(`./${place}/dist/chains/supersimAddresses.js`));
    write("supersim", {
        source: JSON.stringify(`${viem.name} ${viem.version} chains/supersimAddresses`),
        chains: list(sets.map((addresses, index) => ({ chainId: 901 + index, addresses }))),
    });
}

mkdirSync(folder, { recursive: true });
for (const name of ours) artifact(name, `src/l1/${name}.sol`, `out/${name}.sol/${name}.json`);
for (const name of unchanged) {
    artifact(name, `${packageName} ${version}`, `${bedrock}/forge-artifacts/${name}.sol/${name}.json`);
}
preinstalls();
await supersim();
