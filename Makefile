PYTHON ?= python3

.PHONY: test lint
test lint:
	$(PYTHON) make.py $@
