"""Lines while it runs: often enough, not too often, with the time that is left."""

from train.progress import Progress


def said_over(batches: int, batch_s: float, done: int = 0) -> list[str]:
    """Return the lines of one epoch of ``batches`` batches that take ``batch_s`` seconds each."""
    now, lines = [0.0], list[str]()
    progress = Progress("internet", 4, batches, done, clock=lambda: now[0], say=lines.append)
    for batch in range(1, batches + 1):
        now[0] += batch_s
        progress.batch(batch, 2.5)
    progress.epoch({"loss": 2.5, "val_loss": 2.0})
    return lines


def test_there_is_a_line_every_five_seconds_inside_an_epoch() -> None:
    assert len(said_over(batches=30, batch_s=1.0)) == 30 // 5 + 1


def test_a_short_epoch_says_one_line() -> None:
    assert len(said_over(batches=30, batch_s=0.01)) == 1


def test_a_line_says_where_it_is_and_how_long_it_can_take() -> None:
    first, *_, last = said_over(batches=60, batch_s=1.0)
    assert first.startswith("internet  epoch 1/4  batch 5/60  loss 2.5000")
    assert last == "internet  epoch 1/4  loss 2.5000  val_loss 2.0000  at most 3.0 min left"


def test_epochs_of_an_earlier_try_do_not_make_it_look_faster() -> None:
    assert said_over(batches=60, batch_s=1.0, done=2)[-1].endswith("at most 1.0 min left")
