"""The compose files: valid for both generations, every setting arrives, secrets stay where they belong."""

from __future__ import annotations

import itertools
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import gpt2giga_env
from app.config import Config
from app.sandbox.state import SandboxSettings
from tests.deploy.reading import BASE, DEPLOY, GATEWAY, ROOT, SANDBOX, SECRETS, composed, instructions, load, tool

NAMES = [item.metadata["name"] for item in fields(Config) if "name" in item.metadata]
# What compose decides itself, whatever .env says.
FIXED = {
    "GPT2GIGA_HOST": "0.0.0.0",  # noqa: S104 - inside the network
    "GPT2GIGA_PORT": "8090",
    "GPT2GIGA_METRICS_PORT": "9090",
    "GPT2GIGA_STATE_DIR": "/var/lib/gpt2giga-proxy",
}
DEFAULTS = {
    "GIGACHAT_CREDENTIALS": "",
    "GIGACHAT_ACCESS_TOKEN": "",
    "GIGACHAT_SCOPE": "GIGACHAT_API_PERS",
    "GIGACHAT_MODEL": "GigaChat",
    "GPT2GIGA_API_KEY": "",
}
SECRET = "s3cret"
YAML = [path for path in sorted(DEPLOY.rglob("*.y*ml")) if "node_modules" not in path.parts]
RULES = "{extends: default, rules: {document-start: disable, line-length: disable, empty-values: disable}}"


def environment(services: dict[str, Any], name: str = GATEWAY) -> dict[str, str | None]:
    """A service's environment."""
    found: dict[str, str | None] = services[name]["environment"]
    return found


def own(name: str) -> dict[str, Any]:
    """The services that a file itself speaks of."""
    found: dict[str, Any] = load(name)["services"]
    return found


@pytest.mark.long
@pytest.mark.samples("docker-compose.yml")
@pytest.mark.parametrize("name", [BASE, SANDBOX, SECRETS])
def test_the_schema_of_compose_takes_each_file(name: str) -> None:
    """The published schema of today's compose."""
    tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / name)


def test_every_yaml_file_is_tidy() -> None:
    """No key stands twice, nothing is indented by chance."""
    tool("yamllint", "--strict", "-d", RULES, *YAML)


@pytest.mark.samples("docker-compose.yml-")
@pytest.mark.parametrize("profile", ["", "monitoring"])
@pytest.mark.parametrize("files", [(BASE,), (BASE, SANDBOX), (BASE, SECRETS), (BASE, SANDBOX, SECRETS)], ids="+".join)
def test_each_combination_is_valid_without_an_env_file(files: tuple[str, ...], profile: str, tmp_path: Path) -> None:
    """Nothing is asked for that a fresh clone lacks; the profile adds three services."""
    services = composed(tmp_path, *files, profile=profile)
    expected = {GATEWAY, "worker"} | ({"gigachat-sandbox"} if SANDBOX in files else set())
    # Version 1 shows the services of every profile.
    assert set(services) == expected | {"prometheus", "alertmanager", "grafana"}
    assert {name for name, one in services.items() if "profiles" not in one} == expected


def test_every_setting_reaches_the_gateway(tmp_path: Path) -> None:
    """Each name of .env, gpt2giga's too, except those that compose decides."""
    given = {name: str(9000 + number) for number, name in enumerate([*NAMES, *gpt2giga_env.RECOGNIZED])}
    services = composed(tmp_path, dotenv="".join(f"{name}={value}\n" for name, value in given.items()))
    missing = given.keys() - environment(services).keys()
    assert not missing, f"add to the environment of {GATEWAY} in deploy/docker-compose.yml: {sorted(missing)}"
    assert {**given, **FIXED}.items() <= environment(services).items()
    assert services["worker"]["environment"]["OPENAI_API_KEY"] == given["GPT2GIGA_API_KEY"]
    assert services[GATEWAY]["ports"] == [f"127.0.0.1:{given['GPT2GIGA_PORT']}:8090/tcp"]


def test_what_does_not_reach_the_gateway_is_told(tmp_path: Path) -> None:
    """A secret's `_FILE` and the proxy of the environment stay outside, and where .env is written of says so."""
    twins = [f"{item.metadata['name']}_FILE" for item in fields(Config) if item.metadata.get("secret")]
    services = composed(tmp_path, dotenv="".join(f"{name}=/x\n" for name in [*twins, "HTTPS_PROXY"]))
    assert not {*twins, "HTTPS_PROXY"} & environment(services).keys()
    for name in ("README.md", "README.ru.md", ".env.example"):
        text = (ROOT / name).read_text("utf-8")
        assert "docker-compose.secrets.yml" in text, name
    for name, heading in (("README.md", "## Deployment"), ("README.ru.md", "## Развёртывание")):
        told = (ROOT / name).read_text("utf-8").partition(f"\n{heading}\n")[2].partition("\n## ")[0]
        assert {"_FILE", "HTTPS_PROXY", "GPT2GIGA_UPSTREAM_PROXY"} <= set(re.findall(r"`(\w+)`", told)), name


def test_the_shell_stands_above_the_file_and_an_empty_value_arrives(tmp_path: Path) -> None:
    """`GPT2GIGA_VISION_MODEL=` means off: it must not be lost on the way."""
    services = composed(tmp_path, dotenv="GPT2GIGA_STRICT=a\nGPT2GIGA_VISION_MODEL=\n", GPT2GIGA_STRICT="b")
    assert environment(services)["GPT2GIGA_STRICT"] == "b"
    assert environment(services)["GPT2GIGA_VISION_MODEL"] == ""


def test_nothing_is_made_up_for_what_nobody_sets(tmp_path: Path) -> None:
    """Unset settings stay unset: the gateway's own defaults hold, and it starts."""
    services = composed(tmp_path)
    assert {name: value for name, value in environment(services).items() if value is not None} == DEFAULTS | FIXED
    config = Config.load({name: value for name, value in DEFAULTS.items() if value}, None)
    assert config == Config.load({}, None)


def test_the_sandbox_hears_nothing_of_the_real_gigachat(tmp_path: Path) -> None:
    """With a full .env in force its secrets reach no service, and the gateway asks the sandbox."""
    real = [name for name in NAMES if name.startswith("GIGACHAT_")] + ["GPT2GIGA_UPSTREAM_PROXY"]
    kept = {"GIGACHAT_MODEL", "GIGACHAT_TIMEOUT", "GIGACHAT_MAX_CONCURRENCY"}
    dotenv = "".join(f"{name}={SECRET}\n" for name in real if name not in kept)
    services = composed(tmp_path, BASE, SANDBOX, dotenv=dotenv)
    assert SECRET not in str(services)
    given = {name: value for name, value in environment(services).items() if value}
    assert given["GIGACHAT_CREDENTIALS"] == SandboxSettings().key
    assert "gigachat-sandbox:9555" in given["GIGACHAT_BASE_URL"]
    assert services[GATEWAY]["depends_on"]["gigachat-sandbox"]["condition"] == "service_healthy"


def test_secrets_may_come_from_files(tmp_path: Path) -> None:
    """Each is mounted under the name that its _FILE setting has; .env's own value is put aside; the gateway starts."""
    services = composed(tmp_path, BASE, SECRETS, dotenv=f"GIGACHAT_CREDENTIALS={SECRET}\nGPT2GIGA_API_KEY={SECRET}\n")
    assert SECRET not in str(services)
    given = {name: value for name, value in environment(services).items() if name.endswith("_FILE") and value}
    mounted = {f"/run/secrets/{one['source']}" for one in services[GATEWAY]["secrets"]}
    assert set(given.values()) == mounted
    for path in mounted:
        (tmp_path / Path(path).name).write_text("c2VjcmV0\n")
    config = Config.load({name: str(tmp_path / Path(path).name) for name, path in given.items()}, None)
    assert (config.api_key, config.access_token, config.credentials[0].key) == ("c2VjcmV0",) * 3
    assert config.warnings == ()
    declared = load(SECRETS)["secrets"]
    assert {Path(one["file"]).name for one in declared.values()} == set(declared)


@pytest.mark.parametrize("name", [BASE, SANDBOX])
def test_every_service_is_bounded(name: str) -> None:
    """No rights, limits of memory and processors; what is published is this machine's only; versions are pinned."""
    services = own(name)
    for title, service in services.items():
        if name == SANDBOX and title == GATEWAY:
            continue
        assert service["cap_drop"] == ["ALL"], title
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["mem_limit"]
        assert service["cpus"]
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
        assert "build" in service or ":" in service["image"].rpartition("/")[2]
    for title in {GATEWAY, "worker", "gigachat-sandbox"} & set(services):
        assert services[title].get("read_only", name == SANDBOX), title


def test_the_worker_waits_for_the_gateway_and_not_for_gigachat() -> None:
    """`/livez` decides, by the command that the image's own health check has; streams may finish at a stop."""
    services = own(BASE)
    assert services["worker"]["depends_on"] == {GATEWAY: {"condition": "service_healthy"}}
    for name in ("OPENAI_BASE_URL", "OPENAI_API_BASE"):  # the first is what OpenAI's SDKs read
        assert services["worker"]["environment"][name] == "http://gpt2giga-proxy:8090/v1"
    dockerfile = instructions(DEPLOY / "Dockerfile")
    check = next(one.rest for one in dockerfile if one.word == "HEALTHCHECK")
    assert yaml.safe_load(check.partition(" CMD ")[2]) == services[GATEWAY]["healthcheck"]["test"][1:]
    grace = float(services[GATEWAY]["stop_grace_period"].removesuffix("s"))
    assert grace > Config().shutdown_seconds


def test_the_images_tag_is_the_version(tmp_path: Path) -> None:
    """That of setup.cfg where nothing else is asked for; both files obey IMAGE_VERSION, so that one can go back."""
    setup = (ROOT / "setup.cfg").read_text("utf-8")
    version = setup.partition("\nversion = ")[2].partition("\n")[0]
    for given, tag in (("", version), ("IMAGE_VERSION=0.1.0\n", "0.1.0")):
        services = composed(tmp_path, BASE, SANDBOX, dotenv=given)
        assert {services[name]["image"] for name in (GATEWAY, "gigachat-sandbox")} == {f"gpt2giga-proxy:{tag}"}
    assert f"IMAGE_VERSION={version}\n" in (ROOT / ".env.example").read_text("utf-8")


def test_the_changelog_has_the_version() -> None:
    """Newest first, each with its day, and what is not released yet above them."""
    setup = (ROOT / "setup.cfg").read_text("utf-8")
    version = setup.partition("\nversion = ")[2].partition("\n")[0]
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    released = [re.fullmatch(r"(\d+\.\d+\.\d+) \((\d{4}-\d\d-\d\d)\)", one) for one in headings[1:]]
    assert all(released)
    found = [(one[1], one[2]) for one in released if one]
    assert found[0][0] == version
    assert found == sorted(found, reverse=True)
    assert found[-1][0] == "0.1.0"
    page = (ROOT / "docs" / "upgrading.md").read_text("utf-8")
    for (newer, _), (older, _) in itertools.pairwise(found):
        assert f"## From {older} to {newer}\n" in page


def test_the_example_of_env_names_what_compose_reads_itself() -> None:
    """Variables of the compose files that are no settings of the gateway: each that the example names is read."""
    text = (ROOT / ".env.example").read_text("utf-8").partition("--- Compose alone")[2]
    named = set(re.findall(r"^# ([A-Z_]+)=", text, re.MULTILINE))
    read = {name for path in DEPLOY.glob("docker-compose*.yml") for name in re.findall(r"\$\{(\w+)", path.read_text())}
    assert {"IMAGE_VERSION", "RUNBOOK_URL"} <= named <= read - set(NAMES)


def test_monitoring_has_health_checks_and_a_network_of_its_own(tmp_path: Path) -> None:
    """Each is asked for its health by a program that its image has; workers have no way to them."""
    services = composed(tmp_path, profile="monitoring")
    asked = {"prometheus": ":9090/-/healthy", "alertmanager": ":9093/-/healthy", "grafana": ":3000/api/health"}
    for name, url in asked.items():
        assert list(services[name]["networks"]) == ["monitoring"], name
        test = services[name]["healthcheck"]["test"]
        assert test[:-1] == ["CMD", "wget", "-q", "-O", "/dev/null"], name
        assert test[-1] == f"http://127.0.0.1{url}"
    assert set(services[GATEWAY]["networks"]) == {"default", "monitoring"}
    assert "monitoring" not in (services["worker"].get("networks") or {})
    assert services["prometheus"]["environment"]["RUNBOOK_URL"]


PAGE = (ROOT / "docs" / "compose.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["include", "override", "two projects"])
def test_the_pages_examples_fit_the_schema(example: str, tmp_path: Path) -> None:
    """docker-compose 1.29 reads no `include`: the published schema of today's compose does."""
    path = tmp_path / "compose.yml"
    path.write_text(example, "utf-8")
    tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", path)


def test_the_pages_examples_are_about_these_files(tmp_path: Path) -> None:
    """What they include is there, the network is ours, the override keeps the example of a worker from starting."""
    include, override, joining = (yaml.safe_load(example) for example in EXAMPLES)
    (one,) = include["include"]
    ours = ROOT / one["path"][0].removeprefix("gpt2giga-proxy/")
    assert ours == DEPLOY / BASE
    assert GATEWAY in own(BASE)
    assert not include["services"].keys() & own(BASE).keys()
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "override.yml").write_text(yaml.safe_dump(override), "utf-8")
    services = composed(tmp_path, BASE, "override.yml")
    assert services["worker"]["profiles"] == ["example"]
    default = load(BASE)["networks"]["default"]["name"]
    assert default == "${GATEWAY_NETWORK:-gpt2giga}"
    assert joining["networks"]["gpt2giga"]["external"] is True
    shared = set(own(BASE)) | set(load(BASE)["volumes"]) | set(load(BASE)["networks"])
    told = PAGE.partition("Names are shared")[2].partition("\n- ")[0]
    assert shared - {GATEWAY, "default"} <= set(re.findall(r"`(\w+)`", told))


def test_metrics_stay_inside() -> None:
    """Their port is not published, and Prometheus asks it."""
    services = own(BASE)
    assert [port.rpartition(":")[2] for port in services[GATEWAY]["ports"]] == ["8090"]
    scraped = load("prometheus/prometheus.yml")["scrape_configs"]
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in scraped}
    assert jobs["gpt2giga-proxy"] == [f"{GATEWAY}:{FIXED['GPT2GIGA_METRICS_PORT']}"]


def test_what_is_mounted_is_there() -> None:
    """Each directory exists, and the programs look where it is put."""
    mounts = [volume.split(":") for one in own(BASE).values() for volume in one.get("volumes", [])]
    named = {source for source, *_ in mounts if not source.startswith("./")}
    assert named == set(load(BASE)["volumes"])
    places = {target: DEPLOY / source for source, target, *_ in mounts if source.startswith("./")}
    for path in places.values():
        assert any(path.iterdir()), path
    assert (places["/etc/prometheus"] / "prometheus.yml").is_file()
    assert (places["/etc/alertmanager"] / "alertmanager.yml").is_file()
    (provider,) = load("grafana/provisioning/dashboards/gpt2giga-proxy.yml")["providers"]
    assert provider["options"]["path"] in places
    (source,) = load("grafana/provisioning/datasources/prometheus.yml")["datasources"]
    assert source["url"] == "http://prometheus:9090"
