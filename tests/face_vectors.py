"""Vectors that behave like a backbone's embeddings of faces: unit length, few directions that matter, people alike."""

import numpy as np

from ferlib.labels import EMOTIONS


def face_vectors(people, *, d, images=14, seed=0, person=1.0, emotion=0.5, noise=0.7):
    """Draw embeddings of people who each show the seven emotions in turn.

    Parameters
    ----------
    people, d, images, seed : int
        People, dimensions, images a person.
    person, emotion, noise : float
        How far apart people, emotions and the images of one person in one emotion lie.

    Returns
    -------
    vectors : numpy.ndarray, shape (people * images, d)
        Unit length, with a common mean as those of CLIP have, and a spectrum that falls as a power of the rank.
    classes : numpy.ndarray of int
        Numbers of the emotions.
    subjects : numpy.ndarray of str
    """
    random = np.random.default_rng(seed)
    classes = np.tile(np.arange(len(EMOTIONS)), -(-people * images // len(EMOTIONS)))[: people * images]
    owner = np.repeat(np.arange(people), images)
    spread = np.arange(1, d + 1) ** -0.8
    spread /= np.linalg.norm(spread)
    strength = random.uniform(0.4, 1.3, size=len(owner))[:, None]
    vectors = person * (random.normal(size=(people, d)) * spread)[owner]
    vectors += emotion * strength * (random.normal(size=(len(EMOTIONS), d)) * spread)[classes]
    vectors += noise * random.normal(size=vectors.shape) * spread
    mean = random.normal(size=d)
    vectors = vectors @ np.linalg.qr(random.normal(size=(d, d)))[0] + 1.2 * mean / np.linalg.norm(mean)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), classes, np.char.add("p", owner.astype(str))
