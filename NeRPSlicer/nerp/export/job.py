"""A labelled set drawn as a job: the kind "export".

Its configuration: ``cases`` (a list of ``{"name", "ct", "labels"}``, labels null where there are none, with
"series" and "names" where `read_case` needs them),
``settings`` (`ExportSettings.to_dict`), ``out`` (folder of the set), ``model`` (folder of the model that the
settings name, where they name one).
"""

from __future__ import annotations

from functools import partial

from ..errors import NerpError
from ..jobs.job import Job, Stopped
from ..networks.model import load_model
from ..settings import ExportSettings
from .cases import Case, read_case
from .labelled_set import export_set


def run(job: Job) -> None:
    """Draw the set, or what is missing of it.

    Raises:
        NerpError: the configuration makes no sense, or a case could not be drawn; the others are.
    """
    try:
        settings = ExportSettings.from_dict(job.configuration["settings"])
        folder = job.path(job.configuration["out"])
        named = job.configuration.get("model")
        model = None if named is None else job.path(named)
        inputs, cases = [], []
        for case in job.configuration["cases"]:
            ct, labels = job.path(case["ct"]), job.path(case["labels"]) if case["labels"] else None
            inputs += [path for path in (ct, labels) if path]
            chosen = settings.separate_body, case.get("series"), case.get("names")
            cases.append(Case(str(case["name"]), partial(read_case, ct, labels, *chosen)))
    except (KeyError, TypeError, AttributeError) as error:
        raise NerpError(
            f"The job's configuration is not that of an export ({error!r}); make it anew."
        ) from error
    job.check_inputs(inputs)
    radiance = None if model is None else load_model(model)
    outcome = export_set(
        cases, settings, folder, job.progress, job.should_stop, previews=True, model=radiance
    )
    for notice in outcome.notices:
        job.log(notice)
    job.event(drawn=outcome.drawn, kept=outcome.kept, failed=outcome.failed, empty=outcome.empty)
    if outcome.stopped:
        raise Stopped
    if outcome.failed:
        case, reason = next(iter(outcome.failed.items()))
        more = f" ({len(outcome.failed) - 1} more, see the log)" if len(outcome.failed) > 1 else ""
        for name, why in outcome.failed.items():
            job.log(f"{name} was left out: {why}")
        raise NerpError(f"{case} was left out: {reason}{more}")
