"""``vtax grafana`` writes everything that the compose file mounts."""

from pathlib import Path

import yaml
from typer.testing import CliRunner

from harness.cli.app import app

GRAFANA = Path(__file__).parents[2] / "grafana"


def write(folder: Path):
    return CliRunner().invoke(app, ["grafana", "--to", str(folder)])


def test_what_the_compose_file_mounts_is_written(tmp_path):
    folder = tmp_path / "new" / "grafana"
    assert write(folder).exit_code == 0
    services = yaml.safe_load((folder / "compose.yaml").read_text())["services"]
    mounted = [
        volume.split(":")[0]
        for service in services.values()
        for volume in service["volumes"]
        if volume.startswith("./")
    ]
    assert len(mounted) == 4
    for path in mounted:
        assert (folder / path).exists()
    for path in (GRAFANA / "dashboards").iterdir():
        assert (folder / "dashboards" / path.name).read_bytes() == path.read_bytes()
    assert not (folder / "__init__.py").exists()


def test_a_directory_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine").write_text("")
    result = write(tmp_path)
    assert result.exit_code == 2
    assert "is not empty" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
