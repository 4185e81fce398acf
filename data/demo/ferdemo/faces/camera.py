"""Cameras and lamps as matrices."""

import numpy as np


def direction(yaw, pitch):
    """Unit vector from the face towards a camera or lamp at these angles (degrees; 0, 0 is straight ahead)."""
    yaw, pitch = np.radians(yaw), np.radians(pitch)
    return np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])


def look(origin, backwards):
    """World to view matrix, shape (4, 4), of an eye at `origin` (m) whose back points along `backwards`."""
    right = np.cross([0.0, 1.0, 0.0], backwards)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    matrix[:3, :3] = [right, np.cross(backwards, right), backwards]
    matrix[:3, 3] = -matrix[:3, :3] @ origin
    return matrix


def perspective(distance, field):
    """Projection matrix, shape (4, 4), that sees `field` metres across at `distance` metres."""
    near, far = distance - 0.5, distance + 0.5
    zoom = 2 * distance / field
    return np.array(
        [
            [zoom, 0, 0, 0],
            [0, zoom, 0, 0],
            [0, 0, (far + near) / (near - far), 2 * far * near / (near - far)],
            [0, 0, -1, 0],
        ]
    )
