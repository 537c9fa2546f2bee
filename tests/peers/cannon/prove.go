package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/ethereum-optimism/optimism/cannon/mipsevm/versions"
	preimage "github.com/ethereum-optimism/optimism/op-preimage"
	"github.com/ethereum/go-ethereum/log"
)

// prove runs a state to its end with a pre-image server in a process of its own, through the Go stack's own client, and
// prints one JSON line.
func prove(path string, host []string) error {
	state, err := readState(path)
	if err != nil {
		return err
	}
	oracle, err := startHost(host)
	if err != nil {
		return err
	}
	var said bytes.Buffer
	logger := log.NewLogger(log.DiscardHandler())
	vm := state.CreateVM(logger, oracle, &said, os.Stderr, nil)
	for !state.GetExited() {
		if _, err := vm.Step(false); err != nil {
			return err
		}
	}
	if err := oracle.finish(); err != nil {
		return fmt.Errorf("pre-image server: %w", err)
	}
	_, hash := state.EncodeWitness()
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"steps":      state.GetStep(),
		"exit_code":  state.GetExitCode(),
		"state_hash": hash.Hex(),
		"said":       said.String(),
	})
}

func readState(path string) (*versions.VersionedStateWithLargeICache, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(unzipped)
	if err != nil {
		return nil, err
	}
	state := new(versions.VersionedStateWithLargeICache)
	return state, state.Deserialize(bytes.NewReader(content))
}

// hostProcess is the client's side of the pipes.
type hostProcess struct {
	command *exec.Cmd
	pipes   []io.Closer
	values  *preimage.OracleClient
	hints   *preimage.HintWriter
}

func startHost(arguments []string) (*hostProcess, error) {
	values, theirValues, err := preimage.CreateBidirectionalChannel()
	if err != nil {
		return nil, err
	}
	hints, theirHints, err := preimage.CreateBidirectionalChannel()
	if err != nil {
		return nil, err
	}
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Stderr = os.Stderr
	command.ExtraFiles = []*os.File{theirHints.Reader(), theirHints.Writer(), theirValues.Reader(), theirValues.Writer()}
	if err := command.Start(); err != nil {
		return nil, err
	}
	// The server's ends close here, so that a dead server is end of file.
	for _, theirs := range []io.Closer{theirHints, theirValues} {
		if err := theirs.Close(); err != nil {
			return nil, err
		}
	}
	return &hostProcess{command, []io.Closer{values, hints}, preimage.NewOracleClient(values), preimage.NewHintWriter(hints)}, nil
}

type rawHint []byte

func (hint rawHint) Hint() string { return string(hint) }

type rawKey [32]byte

func (key rawKey) PreimageKey() [32]byte { return key }

func (host *hostProcess) Hint(text []byte) { host.hints.Hint(rawHint(text)) }

func (host *hostProcess) GetPreimage(key [32]byte) []byte { return host.values.Get(rawKey(key)) }

func (host *hostProcess) finish() error {
	for _, pipe := range host.pipes {
		if err := pipe.Close(); err != nil {
			return err
		}
	}
	return host.command.Wait()
}
