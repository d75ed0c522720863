"""Postmortems out of a Git repository, with the real `git` program."""

import subprocess

import pytest

from bot.adapters.git_sources import GitSources, SourceError, git_source, is_address


def git(folder, *arguments):
    names = ("-c", "user.name=T", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main")
    subprocess.run(["git", "-C", str(folder), *names, *arguments], check=True, capture_output=True)


@pytest.fixture
def remote(tmp_path):
    folder = tmp_path / "remote"
    (folder / "reviews").mkdir(parents=True)
    git(folder, "init")

    def commit(name, text):
        (folder / "reviews" / name).write_text(text, encoding="utf-8")
        git(folder, "add", "-A")
        git(folder, "commit", "-m", name)

    commit("first.md", "one")
    return folder, commit


async def test_a_source_is_fetched_and_followed(remote, tmp_path):
    folder, commit = remote
    source = git_source(f"file://{folder}#reviews", tmp_path / "home")
    sources = GitSources([source])

    await sources.fetch()
    assert [path.name for path in source.folder.iterdir()] == ["first.md"]

    commit("second.md", "two")
    (folder / "reviews" / "first.md").unlink()
    commit("third.md", "three")
    await sources.fetch()
    assert sorted(path.name for path in source.folder.iterdir()) == ["second.md", "third.md"]


async def test_a_source_that_is_away_keeps_its_last_checkout_and_does_not_stop_the_others(remote, tmp_path):
    folder, _ = remote
    lost = git_source(f"file://{folder}#reviews", tmp_path / "home")
    await GitSources([lost]).fetch()
    moved = folder.rename(tmp_path / "moved")
    other = git_source(f"file://{moved}#reviews", tmp_path / "home")

    with pytest.raises(SourceError, match=r"file://.*/remote: git ended with 128"):
        await GitSources([lost, other]).fetch()

    assert [path.name for path in lost.folder.iterdir()] == ["first.md"]
    assert [path.name for path in other.folder.iterdir()] == ["first.md"]


async def test_a_folder_that_the_repository_does_not_have_is_named(remote, tmp_path):
    with pytest.raises(SourceError, match="has no folder 'elsewhere'"):
        await GitSources([git_source(f"file://{remote[0]}#elsewhere", tmp_path / "home")]).fetch()


async def test_a_login_in_an_address_is_never_said(tmp_path):
    source = git_source("http://ana:hunter2@127.0.0.1:9/reviews.git", tmp_path / "home")

    with pytest.raises(SourceError) as caught:
        await GitSources([source]).fetch()

    assert "hunter2" not in str(caught.value)
    assert "http://127.0.0.1:9/reviews.git" in str(caught.value)
    assert "hunter2" not in str(source.checkout)


def test_addresses_are_told_from_folders_and_cannot_run_programs_or_leave_their_checkout(tmp_path):
    assert all(
        map(is_address, ["https://example.com/a.git", "git@example.com:team/a.git", "ssh://git@example.com/a#b"])
    )
    assert not any(map(is_address, ["postmortems", "../reviews", "/srv/reviews", "ext::sh -c true", "--upload-pack=x"]))
    inside = git_source("https://example.com/a.git#../../etc", tmp_path).folder
    assert inside == git_source("https://example.com/a.git", tmp_path).checkout / "etc"
