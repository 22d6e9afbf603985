# Slipway: `make help` lists what there is to do.
SHELL := /bin/sh
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
.DEFAULT_GOAL := help
.PHONY: help install web up down test bench docs

help: ## this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

install: ## install what the lock file names (Node 24 too)
	@sh scripts/install.sh

web: install ## build the dashboard into web/dist when its sources changed
	@node scripts/build-web.ts

up: web ## start everything here, with the sample change; again: take up the stored state
	@bin/slipway up

down: ## stop everything that `make up` started
	@bin/slipway down

test: web ## run every check and test; the last line counts them
	@node scripts/test.ts

bench: web ## measure beside the peers; ONLY=path, judge, batching, store… for one
	@node bench/run.ts $(ONLY)

docs: install ## write the generated pages: OpenAPI, errors, architecture table
	@node scripts/docs.ts
