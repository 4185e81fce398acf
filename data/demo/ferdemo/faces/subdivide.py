"""Catmull-Clark subdivision of a quad mesh as one sparse matrix, built once and used for every face."""

import numpy as np
import scipy.sparse as sparse


def catmull_clark(quads, n_vertices):
    """One level of Catmull-Clark subdivision.

    The rules are linear in the vertex positions, so a level is a matrix: `smooth @ positions` gives the refined
    positions of any face with this topology. Borders follow the cubic B-spline rule.

    Parameters
    ----------
    quads : array of int, shape (f, 4)
        Vertex numbers of each face, counter-clockwise.
    n_vertices : int

    Returns
    -------
    smooth : scipy.sparse.csr_matrix, shape (n_vertices + e + f, n_vertices)
        Refined positions; the e edge points and f face points follow the old vertices.
    linear : scipy.sparse.csr_matrix, same shape
        The same points without smoothing, for attributes such as texture coordinates.
    refined : numpy.ndarray of int, shape (4 f, 4)

    Source: Catmull and Clark, "Recursively generated B-spline surfaces on arbitrary topological meshes", 1978.
    """
    quads = np.asarray(quads)
    n_faces = len(quads)
    corners = np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1)
    edges, edge_of = np.unique(np.sort(corners, axis=-1).reshape(-1, 2), axis=0, return_inverse=True)
    edge_of = edge_of.reshape(n_faces, 4)
    n_edges = len(edges)

    face_points = _incidence(np.repeat(np.arange(n_faces), 4), quads.ravel(), (n_faces, n_vertices)) * 0.25
    midpoints = _incidence(np.repeat(np.arange(n_edges), 2), edges.ravel(), (n_edges, n_vertices)) * 0.5
    edge_faces = _incidence(edge_of.ravel(), np.repeat(np.arange(n_faces), 4), (n_edges, n_faces))
    border = np.asarray(edge_faces.sum(axis=1)).ravel() != 2
    keep, soft = sparse.diags(border * 1.0), sparse.diags(~border * 1.0)
    edge_points = keep @ midpoints + soft @ (0.5 * midpoints + 0.25 * edge_faces @ face_points)

    vertex_faces = _incidence(quads.ravel(), np.repeat(np.arange(n_faces), 4), (n_vertices, n_faces))
    vertex_edges = _incidence(edges.ravel(), np.repeat(np.arange(n_edges), 2), (n_vertices, n_edges))
    valence = np.maximum(np.asarray(vertex_edges.sum(axis=1)).ravel(), 1)
    n_around = np.maximum(np.asarray(vertex_faces.sum(axis=1)).ravel(), 1)
    identity = sparse.identity(n_vertices, format="csr")
    inner = (
        sparse.diags(1 / (valence * n_around)) @ vertex_faces @ face_points
        + sparse.diags(2 / valence**2) @ vertex_edges @ midpoints
        + sparse.diags((valence - 3) / valence) @ identity
    )
    border_edges = vertex_edges @ keep
    on_border = np.asarray(border_edges.sum(axis=1)).ravel()
    outer = 0.5 * identity + 0.5 * sparse.diags(1 / np.maximum(on_border, 1)) @ border_edges @ midpoints
    at_border = sparse.diags((on_border > 0) * 1.0)
    vertex_points = at_border @ outer + (identity - at_border) @ inner

    face_number = n_vertices + n_edges + np.arange(n_faces)
    refined = np.concatenate(
        [
            np.stack([quads[:, j], n_vertices + edge_of[:, j], face_number, n_vertices + edge_of[:, j - 1]], axis=1)
            for j in range(4)
        ]
    )
    smooth = sparse.vstack([vertex_points, edge_points, face_points]).tocsr()
    linear = sparse.vstack([identity, midpoints, face_points]).tocsr()
    return smooth, linear, refined


def _incidence(rows, columns, shape):
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def triangles(quads):
    """Split quads into triangles; shape (2 f, 3)."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
