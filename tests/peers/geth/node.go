package main

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/beacon/engine"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/core/state"
	"github.com/ethereum/go-ethereum/core/txpool"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/miner"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/rlp"
)

// node is a chain in memory with the block builder that op-node drives through the Engine API.
type node struct {
	chain *core.BlockChain
	miner *miner.Miner
}

func newNode(genesis *core.Genesis) (*node, error) {
	config := core.DefaultConfig()
	config.ArchiveMode, config.Preimages = true, true // dump needs the addresses behind the hashes
	config.SnapshotLimit = 0
	// Ethash is the pre-merge half of every beacon engine; no block here is old enough to reach it.
	consensus := beacon.New(ethash.NewFaker())
	chain, err := core.NewBlockChain(rawdb.NewMemoryDatabase(), genesis, consensus, config)
	if err != nil {
		return nil, err
	}
	node := &node{chain: chain}
	node.miner = miner.New(node, miner.DefaultConfig, consensus)
	return node, nil
}

func (n *node) close() {
	n.miner.Close()
	n.chain.Stop()
}

// BlockChain and TxPool make a miner.Backend; without a pool only given transactions are built.
func (n *node) BlockChain() *core.BlockChain { return n.chain }
func (n *node) TxPool() *txpool.TxPool       { return nil }

func (n *node) build(attributes *engine.PayloadAttributes) (*types.Block, error) {
	transactions := make(types.Transactions, 0, len(attributes.Transactions))
	for index, encoded := range attributes.Transactions {
		transaction := new(types.Transaction)
		if err := transaction.UnmarshalBinary(encoded); err != nil {
			return nil, fmt.Errorf("transaction %d does not decode: %w", index, err)
		}
		transactions = append(transactions, transaction)
	}
	payload, err := n.miner.BuildPayload(context.Background(), &miner.BuildPayloadArgs{
		Parent:        n.chain.CurrentBlock().Hash(),
		Timestamp:     attributes.Timestamp,
		FeeRecipient:  attributes.SuggestedFeeRecipient,
		Random:        attributes.Random,
		Withdrawals:   attributes.Withdrawals,
		BeaconRoot:    attributes.BeaconRoot,
		NoTxPool:      true,
		Transactions:  transactions,
		GasLimit:      attributes.GasLimit,
		EIP1559Params: attributes.EIP1559Params,
		MinBaseFee:    attributes.MinBaseFee,
	}, false)
	if err != nil {
		return nil, err
	}
	envelope := payload.ResolveFull()
	requests := envelope.Requests
	if !n.chain.Config().IsIsthmus(attributes.Timestamp) {
		requests = nil
	}
	data := *envelope.ExecutionPayload
	return engine.ExecutableDataToBlock(data, nil, attributes.BeaconRoot, requests, n.chain.Config())
}

// insert verifies the block as if it came from elsewhere, then makes it the head.
func (n *node) insert(block *types.Block) error {
	_, err := n.chain.InsertChain(types.Blocks{block})
	if err == nil && n.chain.CurrentBlock().Hash() != block.Hash() {
		_, err = n.chain.SetCanonical(block)
	}
	return err
}

type description struct {
	Hash            common.Hash     `json:"hash"`
	Number          uint64          `json:"number"`
	StateRoot       common.Hash     `json:"state_root"`
	ReceiptsRoot    common.Hash     `json:"receipts_root"`
	WithdrawalsRoot *common.Hash    `json:"withdrawals_root"`
	OutputRoot      common.Hash     `json:"output_root"`
	BaseFee         *hexutil.Big    `json:"base_fee"`
	GasUsed         uint64          `json:"gas_used"`
	Header          hexutil.Bytes   `json:"header"`
	Receipts        []hexutil.Bytes `json:"receipts"`
}

// describe reports an imported block; its parts let a mismatch be located.
func (n *node) describe(block *types.Block) *description {
	header, err := rlp.EncodeToBytes(block.Header())
	if err != nil {
		panic(err)
	}
	receipts := n.chain.GetReceiptsByHash(block.Hash())
	encoded := make([]hexutil.Bytes, len(receipts))
	for index := range receipts {
		// Not the form of the receipts root: before Canyon that one leaves out the deposit nonce.
		if encoded[index], err = receipts[index].MarshalBinary(); err != nil {
			panic(err)
		}
	}
	return &description{
		Hash:            block.Hash(),
		Number:          block.NumberU64(),
		StateRoot:       block.Root(),
		ReceiptsRoot:    block.ReceiptHash(),
		WithdrawalsRoot: block.Header().WithdrawalsHash,
		OutputRoot:      n.outputRoot(block),
		BaseFee:         (*hexutil.Big)(block.BaseFee()),
		GasUsed:         block.GasUsed(),
		Header:          header,
		Receipts:        encoded,
	}
}

// outputRoot is version 0: keccak256(0 ++ state root ++ storage root of the message passer ++ block hash).
func (n *node) outputRoot(block *types.Block) common.Hash {
	at := n.stateOf(block.Header())
	passer := at.GetStorageRoot(params.OptimismL2ToL1MessagePasser)
	if passer == (common.Hash{}) {
		passer = types.EmptyRootHash
	}
	return crypto.Keccak256Hash(make([]byte, 32), block.Root().Bytes(), passer.Bytes(), block.Hash().Bytes())
}

func (n *node) dump() (state.Dump, error) {
	return n.stateOf(n.chain.CurrentBlock()).RawDump(&state.DumpConfig{}), nil
}

func (n *node) stateOf(header *types.Header) *state.StateDB {
	at, err := n.chain.StateAt(header.Root)
	if err != nil {
		panic(err)
	}
	return at
}
