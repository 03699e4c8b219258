"""Classification: y is the number of a class; the loss is the cross-entropy."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from workbench.measures import ACCURACY, LOSS, Measure, declare
from workbench.pictures import RIGHT, WRONG, Drawing, Panel, Picture, Shade
from workbench.problems import diagnosis
from workbench.problems.base import Array, Data, Predict, Supervised
from workbench.problems.diagnosis import Diagnosis, Looked
from workbench.problems.margins import BAND, margin
from workbench.problems.predicted import Arrays, Example, Predicted, class_names, class_titles
from workbench.summaries import OperatingPoint
from workbench.words import NO_MEDICAL_DEVICE

if TYPE_CHECKING:
    from torch import Tensor

BINS = 15
MOST_QUERIES, MOST_SUPPORT = 15, 5
"""Examples of each class that are drawn: as many as a person looks at."""

MOST_CLASSES, MOST_EXAMPLES = 10, 24
"""Of a task that is looked at before anything is learned."""

SUPPORT = "S"
RIGHT_MARK, WRONG_MARK = "✓", "✗"
CONFIDENCE = Measure("confidence", "Confidence", "neither", share=True)

ALWAYS = (ACCURACY, LOSS.said("Cross-entropy", unit="nats"))
"""What is measured of every task."""

declare(CONFIDENCE)


class Classification(Supervised):
    """Classes that are known by a few examples of each; logits are predicted.

    Parameters
    ----------
    asked : what is to be measured of a diagnosis; None: nothing.
    weighted : whether the losses of a support set and of training weigh every class the same, however many
        examples it has.
    """

    name = "classification"
    title = "Classification"
    gives = frozenset({"gradient", "pairs", "vectors", "classes"})
    measures: tuple[Measure, ...] = (*diagnosis.ALL, *ALWAYS)
    always = ALWAYS
    kept: ClassVar = {CONFIDENCE.name: "f", "correct": "b", **diagnosis.KEPT}

    def __init__(self, asked: Diagnosis | None = None, *, weighted: bool = False) -> None:
        self.diagnosis, self.weighted = asked, weighted
        self.measures = (*(diagnosis.ALL if asked else ()), *ALWAYS)
        self.caution = NO_MEDICAL_DEVICE if asked else ""

    def of(self, prediction: Tensor, y: Tensor) -> Tensor:
        from torch.nn import functional as F

        if not self.weighted:
            return F.cross_entropy(prediction, y)
        counts = F.one_hot(y, prediction.shape[-1]).sum(0)
        weight = 1 / counts[y].to(prediction.dtype)
        return (weight * F.cross_entropy(prediction, y, reduction="none")).sum() / weight.sum()

    def away(self, prediction: Tensor, target: Tensor) -> Tensor:
        """KL(target ‖ prediction)."""
        said, right = prediction.log_softmax(-1), target.log_softmax(-1)
        return (right.exp() * (right - said)).sum(-1)

    def judged(self, support: Data, query: Data) -> Data:
        if self.diagnosis is None or diagnosis.ILL in query:
            return query
        return query | self.diagnosis.marked(support["classes"])

    def measured(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        from torch.nn import functional as F

        prediction, y = predict(data["x"]), data["y"]
        found = {
            "loss": F.cross_entropy(prediction, y),
            "accuracy": (prediction.argmax(-1) == y).float().mean(),
        }
        if self.diagnosis is None:
            return found
        return found | self.diagnosis.measured(prediction.softmax(-1), y, data.get(diagnosis.ILL))

    def details(self, predict: Predict, data: Data) -> dict[str, Tensor]:
        """The highest probability of each query, and whether that class is right; of a diagnosis the
        probability of every class, and which one is right."""
        import torch

        shares = predict(data["x"]).softmax(-1)
        confidence, label = shares.max(-1)
        kept = {CONFIDENCE.name: confidence, "correct": label == data["y"]}
        if self.diagnosis is None:
            return kept
        kept |= {diagnosis.PROBABILITY.name: shares, diagnosis.LABEL: data["y"].to(torch.int32)}
        return kept | {name: data[name] for name in (diagnosis.ILL,) if name in data}

    @property
    def chooses(self) -> bool:
        return self.diagnosis is not None

    def chosen(
        self, details: Mapping[str, NDArray[np.generic]], episode: NDArray[np.int64] | None
    ) -> OperatingPoint | None:
        """The probability from which on something counts as found."""
        assert self.diagnosis is not None
        curve = diagnosis.roc(Looked.of(details, episode))
        if curve is None:
            return None
        rule, at_least = self.diagnosis.rule, self.diagnosis.at_least
        threshold, sensitivity, specificity = diagnosis.operating_point(curve, rule, at_least)
        return {
            "rule": rule,
            "at_least": None if rule == "balanced" else at_least,
            "threshold": threshold,
            "sensitivity": sensitivity,
            "specificity": specificity,
        }

    def decided(
        self, details: Mapping[str, NDArray[np.generic]], chosen: OperatingPoint
    ) -> tuple[str, dict[str, Array]]:
        """What that threshold reaches."""
        return diagnosis.CHOSEN, Looked.of(details).reached(chosen["threshold"])

    def pooled(self, details: Mapping[str, NDArray[np.generic]]) -> dict[str, float]:
        confidence, correct = (np.asarray(details[each]) for each in (CONFIDENCE.name, "correct"))
        return {
            "calibration_error": calibration_error(confidence.astype(np.float64), correct.astype(np.bool_))
        }

    def shown(self, prediction: Tensor) -> Tensor:
        return prediction.softmax(-1)

    def targets(self, y: Tensor, outputs: int) -> Tensor:
        from torch.nn import functional as F

        return F.one_hot(y, outputs)

    def mixed(self, outputs: Tensor, log_weights: Tensor) -> Tensor:
        """log Σ w_m p_m, of the mixed probabilities."""
        return (log_weights[:, None, None] + outputs.log_softmax(-1)).logsumexp(0)

    most_tasks = 1  # it fills a view

    def queries_shown(self, queries: int, input_shape: tuple[int, ...]) -> int:
        return min(queries, MOST_QUERIES)

    def example(self, task: Example) -> Drawing:
        """The support examples of each class (S), then its queries; of texts, one of each."""
        ways = int(task.query["y"].max()) + 1
        fewer = f"; the first {MOST_CLASSES} classes" if ways > MOST_CLASSES else ""
        titles = class_titles(ways, task.classes)[:MOST_CLASSES]
        support, query = as_pictures(task.support["x"]), as_pictures(task.query["x"])
        parts = ((support, task.support["y"], SUPPORT), (query, task.query["y"], ""))
        rows = tuple(
            tuple(
                Picture(pictures[index], caption, told=title)
                for pictures, y, caption in parts
                for index in np.flatnonzero(y == label)[:MOST_EXAMPLES]
            )
            for label, title in enumerate(titles)
        )
        texts = zip(task.classes, task.support_texts, task.query_texts, strict=False)
        seen = tuple({"class": name, "support": own[0], "query": other[0]} for name, own, other in texts)
        counts = [int((part["y"] == 0).sum()) for part in (task.support, task.query)]
        if seen:
            words = (
                f"{ways} classes, {counts[0]} support and {counts[1]} query texts each; of each class one "
                "support text and one query text"
            )
        else:
            words = (
                f"{ways} classes (rows, with their labels), {counts[0]} support and {counts[1]} query "
                f"examples each{fewer}"
            )
        names = tuple(map(str, range(len(titles))))
        panel = Panel(pictures=() if seen else rows, row_names=names, row_titles=titles)
        return Drawing(panel, "One task", "", words, seen=seen[:MOST_CLASSES])

    def picture(self, task: Predicted) -> Drawing:
        """The examples of each class in a row; of texts, how many of each class were taken for each. Where
        nobody knows the classes, those that are predicted."""
        shares, texts = task.outputs["shown"][-1], [text for each in task.query_texts for text in each]
        taken, titles = shares.argmax(-1), class_titles(shares.shape[-1], task.classes)
        if not self.known(task.query):
            return _without_truth(task, taken, shares, titles, texts)
        true = task.query["y"].astype(np.int64)
        right = taken == true
        rows = tuple(
            {
                "query": index + 1,
                **({"text": texts[index]} if texts else {}),
                "true": titles[true[index]],
                "predicted": titles[taken[index]],
                "probability": float(shares[index].max()),
                "right": bool(right[index]),
            }
            for index in range(len(true))
        )
        seen = [
            {"text": text, "true": title}
            for title, own in zip(titles, task.support_texts, strict=False)  # empty where there are no texts
            for text in own
        ]
        if texts:
            words = "Rows: the true class; columns: the predicted class; numbers: queries."
        else:
            words = (
                "Rows: the true class; S: support; under each query the predicted class, "
                f"{RIGHT_MARK} right or {WRONG_MARK} wrong."
            )
        if task.classes:
            words += f" Classes: {', '.join(titles)}."
        said = f"{right.mean():.0%} right ({right.sum()} of {len(right)})"
        counts = _confusion(true, taken, titles, task.colour)
        panel = counts if texts else _examples(task, true, taken, shares, titles)
        return Drawing(panel, "Predicted classes", said, words, rows, tuple(seen), counts=counts)

    band = BAND

    def margins(self, outputs: Mapping[str, Array], query: Arrays) -> Array:
        """What the probability of the right class lacked to 1 (Sadinle, Lei, Wasserman, "Least Ambiguous
        Set-Valued Classifiers with Bounded Error Levels", JASA 2019)."""
        right = np.take_along_axis(outputs["shown"], query["y"].astype(np.int64)[..., None], -1)
        return margin(1 - right.reshape(-1, 1))

    def sure(self, task: Predicted) -> str:
        assert task.margins is not None
        least = max(0.0, 1 - float(task.margins[0]))
        return (
            f"Likely are classes of at least {least:.3g}: so probable was the right one of {BAND:.0%} of "
            "all queries of meta-validation tasks"
        )

    def answers(self, task: Predicted) -> tuple[dict[str, Any], ...]:
        """The predicted class and its probability, the classes that it may well be (none where no class is
        likely enough), the true one where it is known, and the probability of every class."""
        shares, texts = task.outputs["shown"][-1], [text for each in task.query_texts for text in each]
        titles = task.classes or class_names(shares.shape[-1])
        rows = []
        for at, probabilities in enumerate(shares):
            taken = int(probabilities.argmax())
            row: dict[str, Any] = {"query": task.names[at] if task.names else at + 1}
            if texts:
                row["text"] = texts[at]
            row |= {"predicted": titles[taken], "probability": float(probabilities[taken])}
            if task.margins is not None:
                row["likely"] = ", ".join(
                    title for title, p in zip(titles, probabilities, strict=True) if 1 - p <= task.margins[0]
                )
            if self.known(task.query):
                true = int(task.query["y"][at])
                row |= {"true": titles[true], "right": taken == true}
            of_classes = {f"p({title})": float(p) for title, p in zip(titles, probabilities, strict=True)}
            rows.append(row | of_classes)
        return tuple(rows)


Labels = NDArray[np.int64]


def _examples(task: Predicted, true: Labels, taken: Labels, shares: Array, titles: tuple[str, ...]) -> Panel:
    """The support examples of each class, then its queries, right or wrong."""
    support, query = as_pictures(task.support["x"]), as_pictures(task.query["x"])
    names, rows = class_names(len(titles)), []
    for label, title in enumerate(titles):
        shown = np.flatnonzero(task.support["y"] == label)
        told = f"class {title}: support example, one of {len(shown)}"
        row = [Picture(support[index], SUPPORT, told=told) for index in shown[:MOST_SUPPORT]]
        for index in np.flatnonzero(true == label):
            right, name = taken[index] == label, names[taken[index]]
            mark, frame = (RIGHT_MARK, RIGHT) if right else (WRONG_MARK, WRONG)
            told = f"true class {title}, predicted {name} ({shares[index].max():.0%})"
            row.append(Picture(query[index], f"{name} {mark}", frame, told))
        rows.append(tuple(row))
    return Panel(pictures=tuple(rows), row_names=names, row_titles=titles)


def _without_truth(
    task: Predicted, taken: Labels, shares: Array, titles: tuple[str, ...], texts: list[str]
) -> Drawing:
    """The queries by the class that they are taken for; of texts, the probability of every class."""
    words = f" Classes: {', '.join(titles)}." if task.classes else ""
    if texts:
        shown = range(min(len(texts), MOST_EXAMPLES))
        rows = tuple(
            tuple(
                Picture(
                    np.full((1, 8, 8), 1 - float(shares[index, column])),
                    f"{shares[index, column]:.0%}",
                    told=f"{texts[index]}: {title} {shares[index, column]:.0%}",
                )
                for column, title in enumerate(titles)
            )
            for index in shown
        )
        names = tuple(str(index + 1) for index in shown)
        panel = Panel(pictures=rows, row_names=names, row_titles=tuple(texts[index] for index in shown))
        told = "Rows: texts; columns: the probability of each class, in their order." + words
        return Drawing(panel, "Predicted classes", "", told)
    support, query = as_pictures(task.support["x"]), as_pictures(task.query["x"])
    sheet = []
    for label, title in enumerate(titles):
        known = np.flatnonzero(task.support["y"] == label)
        row = [
            Picture(support[index], SUPPORT, told=f"class {title}: support example, one of {len(known)}")
            for index in known[:MOST_SUPPORT]
        ]
        for index in np.flatnonzero(taken == label)[:MOST_EXAMPLES]:
            name = f"{task.names[index]}: " if task.names else ""
            sure = f"{shares[index, label]:.0%}"
            row.append(Picture(query[index], sure, told=f"{name}predicted {title} ({sure})"))
        sheet.append(tuple(row))
    panel = Panel(pictures=tuple(sheet), row_names=class_names(len(titles)), row_titles=titles)
    told = "Rows: the predicted class; S: support; under each query how probable that is." + words
    return Drawing(panel, "Predicted classes", "", told)


def _confusion(true: Labels, taken: Labels, titles: tuple[str, ...], role: str) -> Panel:
    """How many queries of each class (rows) were taken for each (columns): the darker, the more."""
    names, rows = class_names(len(titles)), []
    for row, title in enumerate(titles):
        counts = [int(((true == row) & (taken == column)).sum()) for column in range(len(titles))]
        of = sum(counts)
        rows.append(
            tuple(
                Shade(
                    str(count),
                    count / max(1, of),
                    f"true class {title}, predicted {titles[column]}: {count} of {of}",
                    strong=column == row,
                )
                for column, count in enumerate(counts)
            )
        )
    return Panel(shades=tuple(rows), shade=role, row_names=names, row_titles=titles, x_names=names)


def as_pictures(x: NDArray[np.generic]) -> Array:
    """Examples ``[n, *input_shape]`` as images ``[n, channels, height, width]``, 0 to 1.

    What is no image becomes a square of its values, from the smallest to the greatest of all examples.
    """
    values = x.astype(np.float64)
    if x.ndim == 4 and x.shape[1] in (1, 3):
        return np.clip(values, 0.0, 1.0)
    flat = values.reshape(len(x), -1)
    low, high = float(flat.min()), float(flat.max())
    side = math.ceil(math.sqrt(flat.shape[1]))
    squares = np.zeros((len(x), side * side))
    squares[:, : flat.shape[1]] = (flat - low) / ((high - low) or 1.0)
    return squares.reshape(len(x), 1, side, side)


def calibration_error(confidence: Array, correct: NDArray[np.bool_]) -> float:
    """Expected calibration error with 15 equal bins (Guo, Pleiss, Sun, Weinberger, ICML 2017, 1706.04599).

    Parameters
    ----------
    confidence : highest predicted probability of each query example, any shape.
    correct : whether that prediction was right, same shape.
    """
    confidence, correct = confidence.ravel(), correct.ravel()
    if np.isnan(confidence).any():
        return math.nan
    which = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    count = np.bincount(which, minlength=BINS)
    gap = np.bincount(which, weights=correct - confidence, minlength=BINS)
    return float(np.abs(gap).sum() / count.sum())
