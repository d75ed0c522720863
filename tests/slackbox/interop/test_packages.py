"""What npm installs is pinned, whole and says nothing of where it was fetched from."""

import json
import re

from tests.slackbox.interop import node

EXACT = re.compile(r"(npm:@?[\w/-]+@)?\d+\.\d+\.\d+")


def test_the_official_clients_are_pinned_to_exact_versions():
    wanted = json.loads((node.HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]

    assert [version for version in wanted.values() if not EXACT.fullmatch(version)] == []


def test_the_lock_file_names_no_registry_and_proves_each_package_by_its_hash():
    lock = json.loads((node.HERE / "package-lock.json").read_text(encoding="utf-8"))
    wanted = json.loads((node.HERE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    packages = {path: package for path, package in lock["packages"].items() if path}

    assert lock["packages"][""]["dependencies"] == wanted
    assert [path for path, package in packages.items() if "resolved" in package] == []
    assert [path for path, package in packages.items() if not package["integrity"].startswith("sha512-")] == []
