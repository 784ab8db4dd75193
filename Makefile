PYTHON ?= python3

.PHONY: test lint bench
test lint:
	$(PYTHON) make.py $@

# make bench CT=chest.nii.gz
bench:
	$(PYTHON) make.py bench $(CT)
