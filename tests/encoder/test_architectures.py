"""Small random checkpoints of many architectures: each trains as a BERT does, or is refused by name."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from stages import baselines as baselines_stage
from stages import encoder as encoder_stage
from stages import prepare as prepare_stage
from stages.launch import cli
from stages.tickets import files
from stages.tickets.encoder import checkpoint, device, pretrained, theta, trial
from stages.tickets.encoder.theta import Encoder, Pretrained
from stages.tickets.encoder.weights import load_weights_, prunable_weights, save_weights
from stages.tickets.pruning import masks
from stages.tickets.searches import search
from stages.tickets.settings import Baselines, FolderEncoder, ParamsError, UserError
from stages.tickets.tasks import baselines, texts
from stages.tickets.tasks import task as tasks
from stages.tickets.tasks.task import Prepared
from stages.tickets.tasks.texts import Texts
from stages.tickets.training import predict, rounds
from tests.conftest import RECIPE, SEEDS, SENTENCES, UNSEEN
from tests.encoder import checkpoints
from tests.imports import ROOT
from tests.pipeline import read

TRAINS: dict[str, int] = {
    "albert": 6,
    "bert": 12,
    "big_bird": 13,
    "camembert": 12,
    "convbert": 16,
    "data2vec-text": 12,
    "deberta": 12,
    "deberta-v2": 16,
    "distilbert": 12,
    "electra": 12,
    "ernie": 12,
    "fnet": 5,
    "layoutlm": 13,
    "longformer": 18,
    "megatron-bert": 12,
    "mobilebert": 18,
    "modernbert": 8,
    "mpnet": 12,
    "nomic_bert": 14,
    "rembert": 12,
    "roberta": 12,
    "roberta-prelayernorm": 12,
    "xlm": 12,
    "xlm-roberta": 12,
}
"""Number of prunable matrices by model_type."""
REFUSED: dict[str, str] = {
    "bart": r"the architecture BartForConditionalGeneration \(bart\) is an encoder-decoder, allowed",
    "canine": r"the architecture Canine \(canine\), for which transformers has no model for masked",
    "funnel": r"the architecture Funnel \(funnel\), which cannot be trained here: ",
    "gpt2": r"the architecture GPT2 \(gpt2\), for which transformers has no model for masked",
    "ibert": r"the architecture IBert \(ibert\), .*: IBertModel has no linear module in a stack",
    "luke": r"the architecture Luke \(luke\), .* does not depend on 'encoder\.layer\.0\..*w2e_query",
    "nystromformer": r"the architecture Nystromformer \(nystromformer\), which cannot be trained here",
    "splinter": r"the architecture Splinter \(splinter\), for which transformers has no model",
    "squeezebert": r"the architecture SqueezeBert \(squeezebert\), .*: SqueezeBertModel has no linear",
    "t5": r"the architecture T5Model \(t5\) is an encoder-decoder, allowed are encoders",
    "xlnet": r"the architecture XLNet \(xlnet\), for which transformers has no model for masked",
    "xmod": r"the architecture Xmod \(xmod\), which cannot be trained here: .*language unknown",
}
"""What is said about other architectures, by model_type."""
DROPOUTS = (
    "attention_dropout", "attention_probs_dropout_prob", "classifier_dropout",
    "classifier_dropout_prob", "cls_dropout", "dropout", "embedding_dropout", "hidden_dropout_prob",
    "mlp_dropout", "pooler_dropout", "qa_dropout", "seq_classif_dropout", "summary_first_dropout",
)  # fmt: skip
"""Names of dropout in the configurations of the architectures above."""
BASELINES = Baselines(examples=1000, penalty=10.0)


def fetch(folder: Path, pooler: Literal["pretrained", "fresh"] = "pretrained") -> Pretrained:
    return pretrained.fetch(FolderEncoder(source="folder", path=str(folder), pooler=pooler))


def fetched(folder: Path, model_type: str, **changes: Any) -> Pretrained:
    checkpoints.write(folder, model_type, **changes)
    return fetch(folder)


def prepared_for(encoder: Pretrained, task: Prepared) -> Prepared:
    """The sentences of `task`, tokenised anew."""
    train, validation = (
        texts.tokenise(
            Texts(list(table), None, np.array(list(table.values()))), encoder.tokenizer, 12
        )
        for table in (SENTENCES, UNSEEN)
    )
    return replace(
        task, vocabulary=encoder.vocabulary, train=train, evaluated={"validation": validation}
    )


def logits_of(model: PreTrainedModel, tokens: list[int]) -> Tensor:
    ids = torch.tensor([tokens])
    given = {"input_ids": ids, "token_type_ids": 0 * ids, "attention_mask": 0 * ids + 1}
    return device.logits_of(model, device.inputs_of(model, given, full=True))


def classifier(encoder: Encoder, dropout: float) -> PreTrainedModel:
    return theta.build(encoder, "classification", 2, dropout, 1)


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("model_type", TRAINS)
def test_an_encoder_goes_from_its_folder_to_a_pruned_mask_and_back(
    model_type: str, tmp_path: Path, prepared: Prepared
) -> None:
    """Every dropout of the checkpoint is 0.5, of which a training with another must not keep any."""
    whole = fetched(tmp_path / "published", model_type, **dict.fromkeys(DROPOUTS, 0.5))
    assert whole.longest_input == 24
    theta.save(whole, {}, tmp_path / "stored")
    encoder = theta.load(tmp_path / "stored")
    assert len(encoder.prunable) == TRAINS[model_type]
    task = prepared_for(whole, prepared)

    quiet = classifier(encoder, 0.0).train()
    assert torch.equal(*(logits_of(quiet, [2, 5, 6, 7, 3]) for _ in range(2)))
    noisy = classifier(encoder, 0.3).train()
    dropouts = {module.p for module in noisy.modules() if isinstance(module, nn.Dropout)}
    assert dropouts <= {0.3}
    assert not torch.equal(*(logits_of(noisy, [2, 5, 6, 7, 3]) for _ in range(2)))

    model = classifier(encoder, 0.1)
    before = prunable_weights(model, encoder)
    mask = masks.prune_by_magnitude(before, masks.dense(before), 0.2)
    made = rounds.prune_round(model, encoder, task, mask, 0.5, SEEDS, RECIPE)
    assert made.run is not None
    assert masks.num_survivors(made.mask) == masks.survivors_at(0.5, masks.num_weights(mask))
    assert all((made.mask[name] <= mask[name]).all() for name in mask)
    trained = prunable_weights(model, encoder)
    live = [name for name in encoder.prunable if not name.startswith("pooler.")]
    assert all((trained[name][~mask[name]] == 0).all() for name in live)
    assert all((trained[name] != before[name])[mask[name]].any() for name in live)

    save_weights(model, encoder, tmp_path / "trained.safetensors")
    other = classifier(encoder, 0.1)
    load_weights_(other, encoder, tmp_path / "trained.safetensors")
    logits, again = (predict.predict(each, task)["validation.logits"] for each in (model, other))
    np.testing.assert_array_equal(logits, again)
    if model_type in checkpoint.BERTS:
        kept = search.find_structure(
            model, task, task.evaluated["validation"], search.STRUCTURED["joint"], 0.9, 0.3
        )
        assert kept.structure.heads.shape == (2, 2)


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("model_type", TRAINS)
def test_the_recipe_sets_every_dropout(
    model_type: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With 0 a training computes what an evaluation does; with 0.5 every dropout is 0.5."""
    encoder = theta.content_of(fetched(tmp_path, model_type, **dict.fromkeys(DROPOUTS, 0.25)))
    quiet, noisy = classifier(encoder, 0.0), classifier(encoder, 0.5)
    tokens = [2, 5, 6, 7, 3]
    training = logits_of(quiet.train(), tokens)
    assert torch.equal(training, logits_of(quiet.train(mode=False), tokens))
    prefix = f"{noisy.base_model_prefix}."
    of_head = [
        module.p
        for name, module in noisy.named_modules()
        if isinstance(module, nn.Dropout) and not name.startswith(prefix)
    ]
    assert set(of_head) == {0.5}
    drawn = []
    dropout = nn.functional.dropout

    def noted(
        values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        drawn.append(p if training else 0.0)
        return dropout(values, p, training, inplace)

    monkeypatch.setattr(nn.functional, "dropout", noted)
    logits_of(noisy.train(), tokens)
    assert len(drawn) > len(of_head)
    assert set(drawn) == {0.5}


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize(("model_type", "message"), REFUSED.items())
def test_another_architecture_is_refused_by_its_name(
    model_type: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(ParamsError, match=f"^the encoder {tmp_path} (has|of) {message}") as refused:
        fetched(tmp_path, model_type)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


# --- positions -------------------------------------------------------------------------------


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("model_type", ["bert", "camembert", "mpnet", "xlm-roberta"])
def test_the_longest_input_is_the_last_that_does_not_fail(model_type: str, tmp_path: Path) -> None:
    whole = fetched(tmp_path, model_type)
    model = classifier(theta.content_of(whole), 0.0).train(mode=False)
    assert whole.longest_input == 24
    with torch.inference_mode():
        assert logits_of(model, [5] * 24).shape == (1, 2)
        with pytest.raises((IndexError, RuntimeError)):
            logits_of(model, [5] * 25)


@pytest.mark.usefixtures("on_the_cpu")
def test_relative_positions_are_trained_with_the_length_of_the_config(tmp_path: Path) -> None:
    assert fetched(tmp_path, "deberta-v2", position_biased_input=False).longest_input == 24


@pytest.mark.usefixtures("on_the_cpu")
def test_a_task_with_longer_inputs_is_refused_before_it_is_prepared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoints.write(tmp_path / "mpnet", "mpnet")
    monkeypatch.chdir(tmp_path)
    study = read(ROOT / "params.yaml")
    study["encoder"] = {"source": "folder", "path": "mpnet", "pooler": "pretrained"}
    study["prepare"]["max_length"] = 25
    Path("params.yaml").write_text(json.dumps(study), encoding="utf-8")
    encoder_stage.main(Path("encoder"))
    message = r"^prepare\.max_length is 25, allowed for this encoder is at most 24$"
    with pytest.raises(ParamsError, match=message):
        prepare_stage.main("acceptability", Path("encoder"), Path("prepared"))
    assert not Path("prepared").exists()


# --- poolers, spare embeddings, noise --------------------------------------------------------


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize("model_type", ["albert", "bert", "roberta"])
def test_a_pooler_is_kept_or_left_out(model_type: str, tmp_path: Path) -> None:
    checkpoints.write(tmp_path, model_type, language_model=False)
    kept, fresh = (theta.content_of(fetch(tmp_path, choice)) for choice in ("pretrained", "fresh"))
    poolers = [name for name in kept.prunable if name.startswith("pooler.")]
    assert len(poolers) == 1
    assert {*kept.prunable} - {*fresh.prunable} == {*poolers}


@pytest.mark.usefixtures("on_the_cpu")
def test_embeddings_without_a_word_are_kept(tmp_path: Path) -> None:
    whole = fetched(tmp_path, "deberta-v2", vocab_size=64)
    assert len(whole.body.get_parameter("embeddings.word_embeddings.weight")) == 64
    assert whole.vocabulary.size == 17


@pytest.mark.usefixtures("on_the_cpu")
@pytest.mark.parametrize(("model_type", "positions"), [("deberta-v2", 17), ("distilbert", 24)])
def test_the_baselines_average_the_word_embeddings_that_the_model_names(
    model_type: str,
    positions: int,
    tmp_path: Path,
    prepared: Prepared,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With more of them than words, and with as many positions as words."""
    sizes = {"vocab_size": 64, "max_position_embeddings": positions}
    whole = fetched(tmp_path / "published", model_type, **sizes)
    assert whole.vocabulary.size == 17
    matrix = whole.body.get_input_embeddings().get_parameter("weight").detach().numpy()
    assert len(matrix) == 64
    task = prepared_for(whole, prepared)
    theta.save(whole, {}, tmp_path / "encoder")
    tasks.save_prepared(task, tmp_path / "prepared" / "acceptability")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "read", lambda params: params(("acceptability",), BASELINES))
    baselines_stage.main(Path("encoder"), Path("prepared"), Path("out"))
    arrays = files.load_arrays(Path("out/acceptability.safetensors"))
    expected = baselines.from_word_vectors(task, matrix, BASELINES)
    assert arrays.keys() == expected.keys()
    assert all((arrays[name] == expected[name]).all() for name in expected)


@pytest.mark.usefixtures("on_the_cpu")
def test_a_trial_of_words_has_few_tokens_however_many_the_vocabulary_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some vocabularies have special tokens as their last words, and some encoders take any length."""
    whole = fetched(tmp_path, "fnet", vocab_size=2000, max_position_embeddings=2000)
    vocabulary = replace(whole.vocabulary, size=2000, special=(0, 1, 2, 3, 4, 1999))
    lengths = []

    def counting(model: PreTrainedModel, inputs: Any, hidden: Tensor | None) -> Tensor:
        lengths.append(inputs["input_ids"].shape[1])
        return logits_of_device(model, inputs, hidden)

    logits_of_device = device.logits_of
    monkeypatch.setattr(device, "logits_of", counting)
    trial.check(replace(whole, vocabulary=vocabulary, longest_input=None), "mine")
    assert max(lengths) == 512


@pytest.mark.usefixtures("on_the_cpu")
def test_a_model_that_drops_layers_at_random_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"\(flaubert\) is a model that drops layers .* 0\.5$"):
        fetched(tmp_path, "flaubert", layerdrop=0.5)


@pytest.mark.usefixtures("on_the_cpu")
def test_a_dropout_that_the_recipe_does_not_reach_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(theta, "DROPOUT_FIELD", re.compile("^hidden_dropout_prob$"))
    message = r"Bert \(bert\), .*: it draws at random although all of its dropout is 0$"
    with pytest.raises(ParamsError, match=message):
        fetched(tmp_path, "bert")


@pytest.mark.usefixtures("on_the_cpu")
def test_a_model_that_knows_tokens_by_their_ids_is_refused(tmp_path: Path) -> None:
    """ESM scales embeddings by the number of masks, while a training numbers its words anew."""
    with pytest.raises(
        ParamsError, match="it reads more from the id of a token than its embedding"
    ):
        fetched(tmp_path, "esm", token_dropout=True, mask_token_id=4)


@pytest.mark.usefixtures("on_the_cpu")
def test_a_missing_model_for_spans_is_named(tmp_path: Path) -> None:
    encoder = theta.content_of(fetched(tmp_path, "nomic_bert"))
    with pytest.raises(UserError, match=r"no model for spans of the type 'nomic_bert'; take"):
        theta.build(encoder, "span", 2, 0.1, 1)


@pytest.mark.usefixtures("on_the_cpu")
def test_fetching_does_not_move_the_global_generator(tmp_path: Path) -> None:
    checkpoints.write(tmp_path, "bert", language_model=False)
    fetch(tmp_path)
    torch.manual_seed(3)
    states = []
    for _ in range(2):
        torch.manual_seed(3)
        fetch(tmp_path)
        states.append(torch.random.get_rng_state())
    assert torch.equal(*states)
