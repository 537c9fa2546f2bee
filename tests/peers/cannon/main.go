// A peer for opal's tests: the Go cannon VM behind a pipe, and its core loop on a stopwatch.
//
//	cannon-peer serve               answers framed requests on stdin (serve.go)
//	cannon-peer prove STATE -- HOST ARGUMENT...   runs a state with a pre-image server and prints one JSON line (prove.go)
//	cannon-peer bench ELF [STEPS]   runs a guest and prints one JSON line (bench.go)
//
// It runs as a process of its own and is never part of opal.
package main

import (
	"fmt"
	"os"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cannon-peer:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 1 && args[0] == "serve":
		return serve(os.Stdin, os.Stdout)
	case len(args) > 3 && args[0] == "prove" && args[2] == "--":
		return prove(args[1], args[3:])
	case (len(args) == 2 || len(args) == 3) && args[0] == "bench":
		limit := ^uint64(0)
		if len(args) == 3 {
			var err error
			if limit, err = strconv.ParseUint(args[2], 0, 64); err != nil {
				return err
			}
		}
		return bench(args[1], limit)
	}
	return fmt.Errorf("usage: cannon-peer serve | prove STATE -- HOST ARGUMENT... | bench ELF [STEPS]")
}
