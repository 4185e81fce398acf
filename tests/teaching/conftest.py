"""The scripts of `data/teaching` can be imported by these tests."""

import teaching_helpers  # noqa: F401
