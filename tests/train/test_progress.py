"""Progress lines: often enough, not too often, with the time left, and passed on to the command."""

from pathlib import Path

from train.progress import EpochProgress, ProgressFollower, line_writer


def lines_of_epoch(batches: int, batch_s: float, completed: int = 0, epochs: int = 4) -> list[str]:
    """Return the lines of one epoch of ``batches`` batches that take ``batch_s`` seconds each."""
    now, lines = [0.0], list[str]()
    progress = EpochProgress(
        "internet", epochs, batches, completed, write=lines.append, clock=lambda: now[0]
    )
    for batch in range(1, batches + 1):
        now[0] += batch_s
        progress.batch(batch, 2.5)
    progress.epoch({"loss": 2.5, "val_loss": 2.0, "val_mae": 9.0, "val_accuracy_20": 0.75})
    return lines


def test_a_long_epoch_has_a_line_every_thirty_seconds() -> None:
    assert len(lines_of_epoch(batches=90, batch_s=1.0)) == 90 // 30 + 1


def test_the_first_and_the_last_epoch_have_a_line_however_short() -> None:
    assert len(lines_of_epoch(batches=30, batch_s=0.01)) == 1
    assert len(lines_of_epoch(batches=30, batch_s=0.01, completed=3)) == 1


def test_short_epochs_between_have_a_line_every_five_seconds() -> None:
    now, lines = [0.0], list[str]()
    progress = EpochProgress("v1", 21, 1, write=lines.append, clock=lambda: now[0])
    for _ in range(21):
        now[0] += 1.0
        progress.epoch({"loss": 1.0})
    assert [line.split()[2] for line in lines] == ["1/21", "6/21", "11/21", "16/21", "21/21"]


def test_a_line_states_the_position_and_the_most_time_left() -> None:
    first, *_, last = lines_of_epoch(batches=60, batch_s=1.0)
    assert first == "internet  epoch 1/4  batch 30/60  loss 2.500  at most 3.5 min left"
    assert last == (
        "internet  epoch 1/4  loss 2.500  val_loss 2.000  val_accuracy_20 0.750  "
        "at most 3.0 min left"
    )


def test_epochs_of_an_earlier_attempt_do_not_shorten_the_time_left() -> None:
    assert lines_of_epoch(batches=60, batch_s=1.0, completed=2)[-1].endswith("at most 60 s left")


def test_the_last_epoch_leaves_no_time() -> None:
    (line,) = lines_of_epoch(batches=30, batch_s=0.01, completed=3)
    assert line.endswith("val_accuracy_20 0.750")


def test_new_complete_lines_of_all_files_are_passed_on_once(tmp_path: Path) -> None:
    paths = [tmp_path / name / "progress.log" for name in ("one", "two")]
    line_writer(paths[0])("of an earlier attempt")
    lines = list[str]()
    with ProgressFollower(paths, lines.append) as follower:
        line_writer(paths[1])("first")
        with paths[0].open("a") as file:
            file.write("sec")
        follower.flush()
        assert lines == ["first"]
        line_writer(paths[0])("ond")
    assert lines == ["first", "second"]
