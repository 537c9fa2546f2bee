# What this repository can do, as an index. Each recipe is one line that can be pasted; the logic is in scripts/.
# Every target installs what it lacks on Debian or Ubuntu and says so. A Rust toolchain must be there.
.PHONY: help first opal devnet test lint guest bench fuzz fmt

help: ## lists the targets
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' Makefile

first: ## builds opal, derives the recording that ships with it and proves a claim about it in the VM
	scripts/first.sh

opal: ## builds bin/opal, optimised, with the guest image inside
	scripts/build.sh

devnet: ## starts an L1 and two OP Stack chains; FLAGS="--chains 3" and others: bin/opal devnet --help
	scripts/devnet.sh $(FLAGS)

test: ## runs all checks and ends with a table of what ran and what was skipped
	scripts/test.sh

lint: ## clippy and formats, warnings are errors
	scripts/lint.sh

guest: ## builds the MIPS64 guests and compares the hash of the program with the recorded one
	scripts/guest.sh

bench: ## prints speed and memory beside Go cannon and kona-executor; BLOCKS=folder adds recorded blocks
	scripts/bench.sh $(BLOCKS)

fuzz: ## random VM steps beside Go cannon, random input for every decoder; MIN=minutes bounds the time
	scripts/fuzz.sh $(MIN)

fmt: ## formats the Rust code
	cargo fmt --all
