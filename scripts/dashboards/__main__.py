"""Writes grafana/dashboards/*.json: `python scripts/dashboards`."""

import json
from pathlib import Path
from typing import Any

from cell import machine, partition
from grafana_foundation_sdk.builders.dashboard import Dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from overview import overview
from timelines import ANNOTATIONS, live, scenario
from vios import vios

FOLDER = Path(__file__).parents[2] / "grafana" / "dashboards"


def boards() -> dict[str, dict[str, Any]]:
    """Every dashboard by its uid, as Grafana reads it."""
    made = {}
    for builder in (overview(), machine(), partition(), vios(), scenario(), live()):
        made_board = _model(builder)
        made[made_board["uid"]] = made_board
    made["vtax-scenario"]["annotations"] = {"list": ANNOTATIONS}
    return made


def _model(builder: Dashboard) -> dict[str, Any]:
    model: dict[str, Any] = json.loads(json.dumps(builder.build(), cls=JSONEncoder))
    model.setdefault("annotations", {"list": []})
    for number, panel in enumerate(model["panels"], start=1):
        panel["id"] = number
        for ref, target in zip("ABCDEFGHIJ", panel.get("targets", ()), strict=False):
            target.setdefault("refId", ref)
    return model


if __name__ == "__main__":
    for uid, board in boards().items():
        text = json.dumps(board, ensure_ascii=False) + "\n"
        (FOLDER / f"{uid}.json").write_text(text, encoding="utf-8")
