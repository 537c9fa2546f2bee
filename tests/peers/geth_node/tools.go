//go:build tools

// Plain geth, the L1 of tests that must not trust opal's own: scripts/peers.sh builds it as it is.
// Nothing here is part of opal.
package geth_node

import _ "github.com/ethereum/go-ethereum/cmd/geth"
