"""From the log back to images: what a run gave says again what was said under it."""

from decimal import Decimal

from venice_widgets.generation.stored_images import recalled


def again(session):
    return recalled(session.log, session.log.get("last"))


def test_a_seed_that_the_model_ignores_is_called_that_also_when_the_image_comes_from_the_log(session):
    session.generate("a fox", model="gpt-image-2", quality="low", seed=41)
    assert again(session)[0].remarks == ("seed ignored by this model",)
    known = session.generate("a fox", model="gpt-image-2", quality="low", seed=41)
    assert known.images[0].remarks == ("seed ignored by this model",)
    assert "from the log, nothing spent" in known.summary


def test_each_of_several_variants_has_its_own_part_of_the_price(session):
    made = session.generate("a fox", variants=4, seed=5, width=64, height=64)
    assert [image.price_usd for image in again(session)] == [image.price_usd for image in made.images]
    session.log.record_charge(made.runs[0].run_id, Decimal("0.06"), "billing/usage-history")
    assert [image.price_usd for image in again(session)] == [Decimal("0.015")] * 4


def test_a_seed_that_no_one_knows_is_not_said_to_be_ignored(session):
    session.generate("a fox", model="gpt-image-2", quality="low", variants=2, seed=5)
    assert [(image.seed, image.remarks) for image in again(session)] == [
        (5, ("seed ignored by this model",)),
        (None, ()),
    ]
