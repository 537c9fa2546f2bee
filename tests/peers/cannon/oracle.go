package main

import (
	"encoding/binary"

	"github.com/ethereum/go-ethereum/crypto"
)

// ruleOracle makes a pre-image out of its key, so that both sides of a comparison know it without talking.
// The Rust side (tests/harness, peer/cannon.rs) follows the same rule:
// the zero key has no pre-image (Go's cache would answer it with nothing, or not, by history); for any other key
// length = the last two key bytes modulo 200; byte stream = keccak256(key ++ u64 block number), block after block.
type ruleOracle struct{}

func (ruleOracle) Hint([]byte) {}

func (ruleOracle) GetPreimage(key [32]byte) []byte {
	if key == ([32]byte{}) {
		panic("no pre-image for the zero key")
	}
	length := int(binary.BigEndian.Uint16(key[30:])) % 200
	data := make([]byte, 0, length+32)
	for block := uint64(0); len(data) < length; block++ {
		data = append(data, crypto.Keccak256(key[:], binary.BigEndian.AppendUint64(nil, block))...)
	}
	return data[:length]
}
