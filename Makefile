# Each target is one script. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help check demo test test-all bench bench-slices clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

demo: ## onboard an inventory of accounts into an emulated AWS
	@scripts/setup
	@scripts/demo

check: ## run the quick checks, in under two minutes
	@scripts/test --check

test: ## run every check of one commit
	@scripts/test

test-all: ## run `test` with each supported Python that is installed
	@scripts/test --all

bench: ## measure speed against the emulated AWS
	@scripts/setup test
	@scripts/browser
	@scripts/bench

bench-slices: ## measure the playbook as concurrent job slices
	@scripts/setup test
	@scripts/bench-slices

clean: ## remove what the scripts made
	rm -rf .venv .cache .ansible .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache tests/output
