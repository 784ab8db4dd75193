PYTHON ?= python3

.PHONY: demo test lint bench
demo test lint:
	$(PYTHON) make.py $@

# Slower and with more peers where CT, labels or peers are given: make bench ARGS="--ct chest.nii.gz"
bench:
	$(PYTHON) make.py bench $(ARGS)
