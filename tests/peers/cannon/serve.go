package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/ethereum-optimism/optimism/cannon/mipsevm"
	"github.com/ethereum-optimism/optimism/cannon/mipsevm/arch"
	"github.com/ethereum-optimism/optimism/cannon/mipsevm/exec"
	"github.com/ethereum-optimism/optimism/cannon/mipsevm/multithreaded"
	"github.com/ethereum-optimism/optimism/cannon/mipsevm/register"
	"github.com/ethereum-optimism/optimism/cannon/mipsevm/versions"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/log"
)

// Request: u32 length ++ u8 flags ++ u32 steps ++ state (content of a .bin state file).
// Answer: u32 length ++ u8 status ++ u32 steps done ++ body. All numbers are big-endian.
//
// Body of status ok: one 32-byte state hash per step done with flagEach, then the 188-byte witness of the last state,
// its hash, and for each further flag: flagContent keccak256 of the serialized last state; flagState u32 length ++ that
// serialization; flagProof (steps must be 1) 6,090 bytes of proof ++ u8 whether a pre-image was read ++ key (32) ++ u64 offset.
// Body of status panicked: the hashes of the steps before it with flagEach, then the panic's text.
const (
	flagEach    = 1
	flagProof   = 2
	flagContent = 4
	flagState   = 8

	statusOK       = 0
	statusPanicked = 1
	statusRefused  = 2 // the state does not load; body: why
	statusSkipped  = 3 // the next step writes too much; body as for statusPanicked without text

	// Go copies what a guest writes to its standard outputs and hints; some lengths take forever or wrap around.
	writeLimit = 1 << 20

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
		if length < 5 || length > frameLimit {
			return fmt.Errorf("frame of %d bytes", length)
		}
		frame := make([]byte, length)
		if _, err := io.ReadFull(reader, frame); err != nil {
			return err
		}
		answer := answer(frame[0], binary.BigEndian.Uint32(frame[1:5]), frame[5:])
		if _, err := writer.Write(binary.BigEndian.AppendUint32(nil, uint32(len(answer)))); err != nil {
			return err
		}
		if _, err := writer.Write(answer); err != nil {
			return err
		}
		// Requests come in bursts: flush only when the other side must be waiting.
		if reader.Buffered() == 0 {
			if err := writer.Flush(); err != nil {
				return err
			}
		}
	}
}

func answer(flags byte, steps uint32, content []byte) []byte {
	head := func(status byte, done uint32) []byte {
		return binary.BigEndian.AppendUint32([]byte{status}, done)
	}
	loaded := new(versions.VersionedState)
	input := bytes.NewReader(content)
	if err := loaded.Deserialize(input); err != nil {
		return append(head(statusRefused, 0), err.Error()...)
	}
	if input.Len() != 0 {
		return append(head(statusRefused, 0), "bytes after the state"...)
	}
	run := runner{state: loaded}
	if panicked := run.start(); panicked != "" {
		return append(head(statusPanicked, 0), panicked...)
	}
	var each []byte
	for done := uint32(0); done < steps; done++ {
		if run.writesTooMuch() {
			return append(head(statusSkipped, done), each...)
		}
		if panicked := run.step(flags&flagProof != 0); panicked != "" {
			return append(append(head(statusPanicked, done), each...), panicked...)
		}
		if flags&flagEach != 0 {
			_, hash := loaded.EncodeWitness()
			each = append(each, hash[:]...)
		}
	}
	return append(append(head(statusOK, steps), each...), run.tail(flags)...)
}

// runner steps one state and turns panics, which are the VM's exceptions, into text.
type runner struct {
	state   *versions.VersionedState
	vm      *multithreaded.InstrumentedState
	witness *mipsevm.StepWitness
}

func (r *runner) start() (panicked string) {
	defer func() { panicked = text(recover(), panicked) }()
	logger := log.NewLogger(log.DiscardHandler())
	vm := r.state.CreateVM(logger, ruleOracle{}, io.Discard, io.Discard, nil)
	r.vm = vm.(*multithreaded.InstrumentedState)
	return ""
}

func (r *runner) step(proof bool) (panicked string) {
	defer func() { panicked = text(recover(), panicked) }()
	// The VM decodes its lowest code once and never again; the contract reads memory on each step.
	if pc := r.state.GetPC(); pc&3 == 0 {
		r.vm.UpdateInstructionCache(pc)
	}
	witness, err := r.vm.Step(proof)
	if err != nil {
		return err.Error()
	}
	r.witness = witness
	return ""
}

func (r *runner) writesTooMuch() bool {
	pc := r.state.GetPC()
	if pc&3 != 0 {
		return false
	}
	if _, opcode, function := exec.GetInstructionDetails(pc, r.state.GetMemory()); opcode != 0 || function != 0xc {
		return false
	}
	registers := r.state.GetRegistersRef()
	address, count := registers[register.RegSyscallParam2], registers[register.RegSyscallParam3]
	switch registers[register.RegSyscallParam1] {
	case exec.FdStdout, exec.FdStderr, exec.FdHintWrite:
		return registers[register.RegSyscallNum] == arch.SysWrite && (count > writeLimit || address+count < address)
	}
	return false
}

func (r *runner) tail(flags byte) []byte {
	witness, hash := r.state.EncodeWitness()
	body := append(bytes.Clone(witness), hash[:]...)
	var content bytes.Buffer
	if flags&(flagContent|flagState) != 0 {
		if err := r.state.Serialize(&content); err != nil {
			panic(err)
		}
	}
	if flags&flagContent != 0 {
		body = append(body, crypto.Keccak256(content.Bytes())...)
	}
	if flags&flagState != 0 {
		body = binary.BigEndian.AppendUint32(body, uint32(content.Len()))
		body = append(body, content.Bytes()...)
	}
	if flags&flagProof != 0 && r.witness != nil {
		body = append(body, r.witness.ProofData...)
		read := byte(0)
		if r.witness.HasPreimage() {
			read = 1
		}
		body = append(append(body, read), r.witness.PreimageKey[:]...)
		body = binary.BigEndian.AppendUint64(body, uint64(r.witness.PreimageOffset))
	}
	return body
}

func text(recovered any, otherwise string) string {
	if recovered == nil {
		return otherwise
	}
	return fmt.Sprint(recovered)
}
