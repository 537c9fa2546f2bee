package main

import (
	"bytes"
	"debug/elf"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/ethereum-optimism/optimism/cannon/mipsevm/multithreaded"
	"github.com/ethereum-optimism/optimism/cannon/mipsevm/program"
	"github.com/ethereum-optimism/optimism/cannon/mipsevm/versions"
	"github.com/ethereum/go-ethereum/log"
)

// bench runs a guest without proofs, the fastest way Go cannon has, and prints one JSON line.
func bench(path string, limit uint64) error {
	state, err := load(path)
	if err != nil {
		return err
	}
	logger := log.NewLogger(log.DiscardHandler())
	vm := state.CreateVM(logger, ruleOracle{}, io.Discard, os.Stderr, nil)
	wall, user := time.Now(), userTime()
	for state.GetStep() < limit && !state.GetExited() {
		if _, err := vm.Step(false); err != nil {
			return err
		}
	}
	seconds, userSeconds := time.Since(wall).Seconds(), userTime()-user
	_, hash := state.EncodeWitness()
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"steps":            state.GetStep(),
		"seconds":          seconds,
		"user_seconds":     userSeconds,
		"msteps_per_s":     float64(state.GetStep()) / userSeconds / 1e6,
		"exited":           state.GetExited(),
		"exit_code":        state.GetExitCode(),
		"state_hash":       hash.Hex(),
		"peak_memory_mib":  peakMemory(),
		"optimism_version": moduleVersion("github.com/ethereum-optimism/optimism"),
	})
}

// load builds the start state and passes it through its file form, because only a loaded state gets the large
// instruction cache that `cannon run` uses.
func load(path string) (*versions.VersionedStateWithLargeICache, error) {
	file, err := elf.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	fresh, err := program.LoadELF(file, multithreaded.CreateInitialState)
	if err != nil {
		return nil, err
	}
	if err := program.PatchStack(fresh); err != nil {
		return nil, err
	}
	versioned, err := versions.NewFromState(versions.GetCurrentVersion(), fresh)
	if err != nil {
		return nil, err
	}
	var content bytes.Buffer
	if err := versioned.Serialize(&content); err != nil {
		return nil, err
	}
	state := new(versions.VersionedStateWithLargeICache)
	if err := state.Deserialize(&content); err != nil {
		return nil, fmt.Errorf("reading the state back: %w", err)
	}
	return state, nil
}

// usage of this process so far; a failing getrusage leaves zeros, which the figures then show.
func usage() (usage syscall.Rusage) {
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return usage
}

func userTime() float64 {
	time := usage().Utime
	return float64(time.Sec) + float64(time.Usec)/1e6
}

func peakMemory() float64 { return float64(usage().Maxrss) / 1024 }

func moduleVersion(path string) string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range info.Deps {
		if module.Path == path {
			return module.Version
		}
	}
	return ""
}
