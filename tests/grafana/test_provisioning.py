"""Provisioning and the compose file: they fit together, and nothing listens beyond loopback."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml
from programs import program

GRAFANA = Path(__file__).parents[2] / "grafana"


def read(path: str) -> Any:
    return yaml.safe_load((GRAFANA / path).read_text(encoding="utf-8"))


COMPOSE = read("compose.yaml")
SERVICES: dict[str, Any] = COMPOSE["services"]


def mounts(service: str) -> dict[str, str]:
    """Where in the container -> what is there, of all that is mounted from this directory."""
    pairs = [volume.split(":") for volume in SERVICES[service]["volumes"]]
    return {pair[1]: pair[0] for pair in pairs if pair[0].startswith("./")}


def test_what_is_mounted_exists_and_is_not_written_to():
    for name in ("prometheus", "grafana"):
        for there in mounts(name).values():
            assert (GRAFANA / there).exists()
        assert all(
            volume.endswith(":ro") for volume in SERVICES[name]["volumes"] if volume[0] == "."
        )


def test_everything_listens_on_loopback_only():
    assert "--web.listen-address=127.0.0.1:9090" in SERVICES["prometheus"]["command"]
    assert SERVICES["grafana"]["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert not any("ports" in service for service in SERVICES.values())


def test_visitors_can_look_only():
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert read("provisioning/dashboards/vtax.yml")["providers"][0]["allowUiUpdates"] is False


def test_grafana_finds_the_dashboards_and_prometheus():
    (provider,) = read("provisioning/dashboards/vtax.yml")["providers"]
    assert mounts("grafana")[provider["options"]["path"]] == "./dashboards"
    assert mounts("grafana")["/etc/grafana/provisioning"] == "./provisioning"
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (GRAFANA / "dashboards" / Path(home).name).is_file()
    (source,) = read("provisioning/datasources/prometheus.yml")["datasources"]
    assert source["url"] == "http://127.0.0.1:9090"
    scraped = read("prometheus.yml")["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scraped


def test_prometheus_accepts_its_configuration(tmp_path):
    configuration = read("prometheus.yml")
    (pattern,) = configuration["rule_files"]
    rules = GRAFANA / mounts("prometheus")[str(Path(pattern).parent)]
    configuration["rule_files"] = [str(rules / Path(pattern).name)]
    assert list(rules.glob(Path(pattern).name))
    path = tmp_path / "prometheus.yml"
    path.write_text(json.dumps(configuration))
    subprocess.run(
        [program("promtool", "prometheus"), "check", "config", str(path)],
        check=True,
        capture_output=True,
    )


def test_campaigns_of_2007_are_kept_and_backfilled_to_where_prometheus_looks():
    command = SERVICES["prometheus"]["command"]
    assert "--storage.tsdb.retention.time=100y" in command
    (data,) = [part.partition("=")[2] for part in command if part.startswith("--storage.tsdb.path")]
    assert f"prometheus:{data}" in SERVICES["prometheus"]["volumes"]
    assert f"prometheus:{data}" in SERVICES["backfill"]["volumes"]
    assert SERVICES["backfill"]["command"] == ["/campaign/runs.openmetrics", data]
    assert SERVICES["backfill"]["image"] == SERVICES["prometheus"]["image"]


def test_images_have_exact_tags():
    for service in SERVICES.values():
        assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])


def test_nothing_is_downloaded_by_grafana():
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"
    assert environment["GF_PLUGINS_PLUGIN_ADMIN_ENABLED"] == "false"
    for name in ("CHECK_FOR_UPDATES", "CHECK_FOR_PLUGIN_UPDATES", "REPORTING_ENABLED"):
        assert environment[f"GF_ANALYTICS_{name}"] == "false"
