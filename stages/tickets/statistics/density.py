"""How much score a compressed model has for its memory."""


def performance_density(
    percent: float, weights: int, weight_bits: int, activations: int, activation_bits: int
) -> float:
    """Return the score per million bits of weights and activations.

    Zhang, Colbert and Das 2022 multiply the numbers of the complete network with the shares that are
    kept; here what is kept is counted. Their unit is the megabit, 10^6 bits. Numbers that stay floats in
    a quantized network, such as embeddings, biases and the classifier, are left out.

    Args:
        percent: score in per cent.
        weights: kept weights.
        weight_bits: bits of a weight.
        activations: kept activations of one example.
        activation_bits: bits of an activation.
    """
    return percent / ((weights * weight_bits + activations * activation_bits) / 1e6)


def per_megabyte(percent: float, num_bytes: int) -> float:
    """Return the score per megabyte, 10^6 bytes, of all that is stored of a model.

    Args:
        percent: score in per cent.
        num_bytes: size of its files.
    """
    return percent / (num_bytes / 1e6)
