package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/big"

	"github.com/ethereum-optimism/optimism/op-node/rollup"
	"github.com/ethereum-optimism/optimism/op-node/rollup/derive"
	"github.com/ethereum/go-ethereum/common/hexutil"
)

const (
	itemSingular = 0
	itemSpan     = 1
	itemDropped  = 2
)

// rules are what a span batch needs from the chain's config.
type rules struct{ config rollup.Config }

func readRules(body []byte) rules {
	number := func(index int) uint64 { return binary.BigEndian.Uint64(body[8*index:]) }
	config := rollup.Config{BlockTime: number(0), L2ChainID: new(big.Int).SetUint64(number(2))}
	config.Genesis.L2Time = number(1)
	return rules{config}
}

func frames(data []byte) (result []byte, text string) {
	parsed, err := derive.ParseFrames(data)
	if err != nil {
		return []byte{0}, err.Error()
	}
	result = binary.BigEndian.AppendUint32([]byte{1}, uint32(len(parsed)))
	for _, frame := range parsed {
		last := byte(0)
		if frame.IsLast {
			last = 1
		}
		result = binary.BigEndian.AppendUint16(append(result, frame.ID[:]...), frame.FrameNumber)
		result = appendBytes(append(result, last), frame.Data)
	}
	return result, ""
}

func (r rules) channel(limit uint64, fjord bool, data []byte) (result []byte, text string) {
	next, err := derive.BatchReader(bytes.NewBuffer(data), limit, fjord)
	if err != nil {
		return nil, "reader: " + err.Error()
	}
	for {
		batch, err := next()
		if errors.Is(err, io.EOF) {
			return result, text
		} else if err != nil {
			return result, text + "batch: " + err.Error()
		}
		item, why := r.item(batch)
		result, text = append(result, item...), text+why
	}
}

func (r rules) batch(data []byte) (result []byte, text string) {
	var batch derive.BatchData
	if err := batch.UnmarshalBinary(data); err != nil {
		return nil, "batch: " + err.Error()
	}
	return r.item(&batch)
}

func (r rules) item(batch *derive.BatchData) (item []byte, text string) {
	if batch.GetBatchType() == derive.SingularBatchType {
		singular, err := derive.GetSingularBatch(batch)
		if err != nil {
			panic(err)
		}
		return appendSingular([]byte{itemSingular}, singular), ""
	}
	span, err := derive.DeriveSpanBatch(batch, &r.config)
	if err != nil {
		return []byte{itemDropped}, "span: " + err.Error() + "; "
	}
	return appendSpan([]byte{itemSpan}, span), ""
}

func appendSingular(to []byte, batch *derive.SingularBatch) []byte {
	to = append(to, batch.ParentHash[:]...)
	to = binary.BigEndian.AppendUint64(to, uint64(batch.EpochNum))
	to = append(to, batch.EpochHash[:]...)
	to = binary.BigEndian.AppendUint64(to, batch.Timestamp)
	return appendTransactions(to, batch.Transactions)
}

func appendSpan(to []byte, batch *derive.SpanBatch) []byte {
	to = append(append(to, batch.ParentCheck[:]...), batch.L1OriginCheck[:]...)
	to = binary.BigEndian.AppendUint32(to, uint32(batch.GetBlockCount()))
	for index := range batch.GetBlockCount() {
		to = binary.BigEndian.AppendUint64(to, batch.GetBlockTimestamp(index))
		to = binary.BigEndian.AppendUint64(to, batch.GetBlockEpochNum(index))
		to = appendTransactions(to, batch.GetBlockTransactions(index))
	}
	return to
}

func appendTransactions(to []byte, transactions []hexutil.Bytes) []byte {
	to = binary.BigEndian.AppendUint32(to, uint32(len(transactions)))
	for _, transaction := range transactions {
		to = appendBytes(to, transaction)
	}
	return to
}

func appendBytes(to, bytes []byte) []byte {
	return append(binary.BigEndian.AppendUint32(to, uint32(len(bytes))), bytes...)
}
