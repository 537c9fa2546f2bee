package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Request: u32 length ++ u8 operation ++ body. All numbers are big-endian.
//
//	frames:  data of a batcher transaction or blob
//	channel: rules ++ u64 limit of decompressed bytes ++ u8 whether Fjord is active ++ channel, compressed
//	batch:   rules ++ version byte ++ content
//
// where rules = u64 block time ++ u64 genesis time ++ u64 chain id.
//
// Answer: u32 length ++ u32 length of the result ++ result ++ text, which says why something was dropped.
// Results are the same for all peers:
//
//	frames:  u8 1 ++ u32 count ++ (id (16) ++ u16 number ++ u8 whether last ++ bytes) per frame; or u8 0, all dropped
//	channel: items until the end of the channel or the error that drops the rest of it
//	batch:   one item, or nothing
//
// An item is a singular batch: u8 0 ++ parent (32) ++ u64 epoch ++ epoch hash (32) ++ u64 timestamp ++ transactions;
// a span batch: u8 1 ++ parent check (20) ++ origin check (20) ++ u32 count ++ (u64 timestamp ++ u64 epoch ++
// transactions) per block; or u8 2, a span batch dropped alone. Transactions: u32 count ++ bytes each; bytes: u32 length.
const (
	operationFrames  = 0
	operationChannel = 1
	operationBatch   = 2

	frameLimit = 1 << 28
)

func serve(in io.Reader, out io.Writer) error {
	reader, writer := bufio.NewReaderSize(in, 1<<20), bufio.NewWriterSize(out, 1<<20)
	for {
		var header [4]byte
		if _, err := io.ReadFull(reader, header[:]); errors.Is(err, io.EOF) {
			return writer.Flush()
		} else if err != nil {
			return err
		}
		length := binary.BigEndian.Uint32(header[:])
		if length == 0 || length > frameLimit {
			return fmt.Errorf("request of %d bytes", length)
		}
		request := make([]byte, length)
		if _, err := io.ReadFull(reader, request); err != nil {
			return err
		}
		result, text, err := answer(request[0], request[1:])
		if err != nil {
			return err
		}
		head := binary.BigEndian.AppendUint32(nil, uint32(4+len(result)+len(text)))
		head = binary.BigEndian.AppendUint32(head, uint32(len(result)))
		for _, part := range [][]byte{head, result, []byte(text)} {
			if _, err := writer.Write(part); err != nil {
				return err
			}
		}
		// Requests come in bursts: flush only when the other side must be waiting.
		if reader.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return err
			}
		}
	}
}

func answer(operation byte, body []byte) (result []byte, text string, err error) {
	if operation == operationFrames {
		result, text = frames(body)
		return result, text, nil
	}
	if len(body) < 24 {
		return nil, "", errors.New("a request without rules")
	}
	rules, body := readRules(body), body[24:]
	switch {
	case operation == operationChannel && len(body) >= 9:
		result, text = rules.channel(binary.BigEndian.Uint64(body), body[8] != 0, body[9:])
	case operation == operationBatch:
		result, text = rules.batch(body)
	default:
		return nil, "", fmt.Errorf("there is no operation %d of %d bytes", operation, len(body))
	}
	return result, text, nil
}
