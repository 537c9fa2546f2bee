// A peer for opal's tests: op-geth builds and imports blocks from payload attributes behind a pipe.
//
// One JSON request a line on stdin, one JSON answer a line on stdout:
//
//	{"genesis": GENESIS}         starts a chain in memory            -> block
//	{"attributes": ATTRIBUTES}   builds on the head, then imports it -> block
//	{"block": "0xRLP"}           imports a finished block            -> block
//	{"dump": true}               accounts of the head's state        -> dump
//
// Any answer may be {"error": TEXT} instead; the head then stays where it was. Unknown fields are refused.
// It runs as a process of its own and is never part of opal.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/ethereum/go-ethereum/beacon/engine"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/log"
	"github.com/ethereum/go-ethereum/rlp"
)

type request struct {
	Genesis    *core.Genesis             `json:"genesis"`
	Attributes *engine.PayloadAttributes `json:"attributes"`
	Block      hexutil.Bytes             `json:"block"`
	Dump       bool                      `json:"dump"`
}

func main() {
	log.SetDefault(log.NewLogger(log.DiscardHandler()))
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "geth-peer:", err)
		os.Exit(1)
	}
}

func serve(in io.Reader, out io.Writer) error {
	reader, encoder := bufio.NewReaderSize(in, 1<<20), json.NewEncoder(out)
	var node *node
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var ask request
		var answer any
		if err = json.Unmarshal(line, &ask); err == nil {
			node, answer, err = handle(node, &ask)
		}
		if err != nil {
			answer = map[string]string{"error": err.Error()}
		}
		if err := encoder.Encode(answer); err != nil {
			return err
		}
	}
}

func handle(chain *node, ask *request) (next *node, answer any, err error) {
	defer func() {
		if recovered := recover(); recovered != nil {
			next, err = chain, fmt.Errorf("panic: %v", recovered)
		}
	}()
	if ask.Genesis != nil {
		if chain != nil {
			chain.close()
		}
		if chain, err = newNode(ask.Genesis); err != nil {
			return nil, nil, err
		}
		return chain, chain.describe(chain.chain.Genesis()), nil
	}
	if chain == nil {
		return nil, nil, errors.New("no chain yet: send a genesis first")
	}
	var block *types.Block
	switch {
	case ask.Attributes != nil:
		block, err = chain.build(ask.Attributes)
	case ask.Block != nil:
		block = new(types.Block)
		err = rlp.DecodeBytes(ask.Block, block)
	case ask.Dump:
		answer, err = chain.dump()
		return chain, answer, err
	default:
		err = errors.New("empty request")
	}
	if err == nil {
		err = chain.insert(block)
	}
	if err != nil {
		return chain, nil, err
	}
	return chain, chain.describe(block), nil
}
