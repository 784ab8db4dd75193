PYTHON ?= python3

.PHONY: demo test lint bench preview screenshots
demo test lint preview screenshots:
	$(PYTHON) make.py $@

# A CT of yours beside the digital thorax: make bench ARGS="chest.nii.gz --labels labels.nii.gz"
bench:
	$(PYTHON) make.py bench $(ARGS)
