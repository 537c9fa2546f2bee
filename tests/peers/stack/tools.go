//go:build tools

// The programs of the Go stack that stand beside opal in tests: scripts/peers.sh builds each as it is.
// Nothing here is part of opal.
package stack

import (
	_ "github.com/ethereum-optimism/optimism/op-batcher/cmd"
	_ "github.com/ethereum-optimism/optimism/op-node/cmd"
	_ "github.com/ethereum/go-ethereum/cmd/geth"
)
