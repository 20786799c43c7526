"""Which model a command uses: a published one, a file of weights, or the one that comes with depthkit."""

import click


def choose_model(
    model: str | None, weights: str | None, config: str | None, ctx: click.Context
) -> tuple[str | None, str | None]:
    """Return the published model, or None, and the file of weights, or None, that a command is to use.

    The model that comes with depthkit becomes its file.

    Raises:
        click.UsageError: none is named; a config comes with a published model; or weights for the model that has its
            own.
        InputError: the model that comes with depthkit is missing.
    """
    from depthkit.zoo.packaged import PACKAGED_MODEL, packaged_weights

    if model is None and weights is None:
        raise click.UsageError(
            f"Missing option '--model' or '--weights': name a published model, {PACKAGED_MODEL}, which comes with "
            "depthkit, or a file.",
            ctx,
        )
    if model is not None and config is not None:
        raise click.UsageError("--config: a published model has its own; leave out --config or --model.", ctx)
    if model == PACKAGED_MODEL and weights is not None:
        raise click.UsageError(f"--weights: {PACKAGED_MODEL} comes with depthkit; leave out --weights or --model.", ctx)
    if model == PACKAGED_MODEL:
        return None, str(packaged_weights())
    return model, weights


def check_needs_model(model: str | None, settings: dict[str, object], ctx: click.Context) -> None:
    """Check that `settings`, options that are for published models, come with `--model`.

    Call it before `choose_model`, which turns the model that comes with depthkit into its file.

    Raises:
        click.UsageError: one of them is given without it, or with the model that comes with depthkit.
    """
    from depthkit.zoo.packaged import PACKAGED_MODEL

    given = [name for name, value in settings.items() if value is not None]
    if model is None and given:
        raise click.UsageError(f"--{given[0].replace('_', '-')}: is for published models; add --model NAME.", ctx)
    if model == PACKAGED_MODEL and given:
        option = given[0].replace("_", "-")
        raise click.UsageError(f"--{option}: {model} has its own, which cannot be changed; leave it out.", ctx)
