"""Colours of skin, hair and iris: the ten Monk tones as plausible skin.

The published Monk swatches are display colours: used as they stand, the palest three clip to white, the middle ones
turn yellow and the darkest two grey. Here each tone keeps its rank and its place between lightest and darkest, within
the lightness that skin has under the demo's light, and takes the chroma of measured skin of that lightness (reddest and
most saturated in the middle tones). The published swatches differ by less than 2 units of lightness among tones 1-3 and
are not in order there; these are.
"""

import numpy as np

MONK_SWATCHES = (
    "#f6ede4", "#f3e7db", "#f7ead0", "#eadaba", "#d7bd96", "#a07e56", "#825c43", "#604134", "#3a312a", "#292420",
)  # fmt: skip
"""The published Monk Skin Tone scale, for comparison and for legends."""

SKIN_LAB = (
    (78.0, 8.5, 13.5),
    (75.5, 9.0, 15.0),
    (73.0, 10.0, 16.5),
    (69.0, 11.0, 17.5),
    (63.0, 12.5, 19.0),
    (53.5, 14.0, 20.5),
    (46.0, 14.0, 19.5),
    (39.0, 13.0, 18.0),
    (33.5, 11.5, 16.0),
    (29.0, 10.0, 13.5),
)
"""CIELAB (D65) of the skin's reflectance for Monk tones 1-10."""

HAIR_LINEAR = {
    "black": (0.012, 0.010, 0.009),
    "dark brown": (0.026, 0.016, 0.010),
    "brown": (0.060, 0.032, 0.017),
    "auburn": (0.110, 0.042, 0.018),
    "blond": (0.285, 0.185, 0.098),
    "grey": (0.210, 0.203, 0.196),
}
IRIS_LINEAR = {
    "dark brown": (0.030, 0.013, 0.006),
    "brown": (0.070, 0.030, 0.012),
    "hazel": (0.095, 0.060, 0.022),
    "green": (0.070, 0.090, 0.045),
    "blue": (0.085, 0.130, 0.190),
    "grey": (0.120, 0.130, 0.135),
}


METERED_FOR, METERING = 3, 0.25  # Monk tone; exponent of luminance, 0 = one exposure for all, 1 = all equally bright


def lab_to_linear(lab):
    """CIELAB (D65) to linear sRGB, last axis 3; values outside the gamut are clipped at zero."""
    lab = np.asarray(lab)
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * (0.95047, 1.0, 1.08883)
    matrix = np.array(
        [[3.2404542, -1.5371385, -0.4985314], [-0.969266, 1.8760108, 0.041556], [0.0556434, -0.2040259, 1.0572252]]
    )
    return np.clip(xyz @ matrix.T, 0, None)


def to_display(linear):
    """Linear light to sRGB values in 0-1, with a gentle shoulder above 0.8 so that highlights do not clip."""
    linear = np.clip(linear, 0, None)
    knee = 0.7
    soft = np.where(linear > knee, 1 - (1 - knee) * np.exp(-(linear - knee) / (1 - knee)), linear)
    return np.where(soft <= 0.0031308, 12.92 * soft, 1.055 * soft ** (1 / 2.4) - 0.055)


def from_display(display):
    """sRGB values in 0-1 to linear light."""
    display = np.asarray(display, dtype=float)
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)


def skin_lab(monk):
    """CIELAB of the skin for a Monk tone between 1 and 10; fractions interpolate.

    Raises
    ------
    ValueError
        For a tone outside 1-10.
    """
    if not 1 <= monk <= 10:
        raise ValueError(f"Monk tone {monk!r} is outside the scale; allowed: 1 (lightest) to 10 (darkest)")
    table = np.array(SKIN_LAB)
    return np.array([np.interp(monk, np.arange(1, 11), table[:, k]) for k in range(3)])


def metered(monk):
    """Exposure that a photographer's meter would choose for a face of this tone, 1 for Monk 3.

    A meter alone would make all faces equally bright; by the quarter root of the skin's luminance a dark face stays
    dark and keeps its shape in the shadows. The factor `light` of a set is crossed with it.
    """
    luminance = [lab_to_linear(skin_lab(tone)) @ (0.2126, 0.7152, 0.0722) for tone in (METERED_FOR, monk)]
    return float((luminance[0] / luminance[1]) ** METERING)


def darkness(monk):
    """0 for the lightest tone, 1 for the darkest, by lightness."""
    top, bottom = SKIN_LAB[0][0], SKIN_LAB[-1][0]
    return float((top - skin_lab(monk)[0]) / (top - bottom))
