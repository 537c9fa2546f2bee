// A peer for opal's tests: the decoders of op-node's package derive behind a pipe.
//
//	derive-peer serve   answers framed requests on stdin (serve.go); what it decodes is in decode.go
//
// It runs as a process of its own and is never part of opal.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) != 2 || os.Args[1] != "serve" {
		fmt.Fprintln(os.Stderr, "usage: derive-peer serve")
		os.Exit(64)
	}
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "derive-peer:", err)
		os.Exit(1)
	}
}
